#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_flow_test
short_description: Which mail is encrypted, by which rule, and why
version_added: 1.0.0
description:
  - Computes how mail flow rules treat mail. It sends no mail and writes nothing.
  - Options ask for what it computes, alone or together. The examples begin with one of each.
  - O(messages) asks what happens to these messages, and whether that is what you expect.
  - O(guarantees) asks whether something is true of all mail, whoever sends it, and shows a message that breaks it.
  - O(compare_with) asks which mail other rules treat differently, such as those before a change.
  - O(add_rules) asks what one more rule would do, or several.
  - O(lint) asks for mistakes in the rules, such as one that never acts.
  - O(overview) asks what the rules do, in sentences, and which mail to whom is protected.
  - O(explain) asks what kept a copy from being encrypted.
  - O(suggest) asks for the smallest edit after which a guarantee holds, or a message is treated as expected.
  - O(simplify) asks which rules can go or be one, so that all mail is still treated alike.
  - O(references) asks whether the organization has whomever and whatever the rules name, such as those of another one.
  - >-
    Where Exchange's behavior is not documented, or a fact is missing, the answer is V(unknown) and says why.
  - >-
    The rules are those of the organization, those in O(rules), or those in the file O(source), each with O(add_rules).
    With O(facts) and one of O(rules) and O(source), nothing is asked of an organization. Nor is it with O(source) if the
    host is none, such as V(localhost). The facts of the file then count, too.
  - The result is the one after the mail flow rules, and after the DLP rules and sensitivity labels that O(facts) tells. What
    of these is not known, RV(unseen) says. People encrypt mail before. Filters follow later.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.transport_rule.proposed
  - m365.message_encryption.transport_rule.added
  - m365.message_encryption.mail_flow.source
  - m365.message_encryption.mail_flow.guarantees
  - m365.message_encryption.mail_flow.compliance
  - m365.message_encryption.mail_flow.observations
options:
  messages:
    description:
      - The messages. A message does not have what is not given here; what only the mail system knows is unknown until
        it is given.
      - One of O(messages), O(messages_path), O(guarantees), O(compare_with), O(add_rules), O(lint), O(overview),
        O(simplify) and O(references) is required.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the message in the result. Names must be unique.
        type: str
        required: true
      eml_path:
        description:
          - A message as a file (C(.eml)). Other keys override its content. What the file does not show is unknown.
          - A relative path is searched for as M(ansible.builtin.copy) does.
        type: path
      from:
        description: The address in the From field. Required without O(messages[].eml_path).
        type: str
      mail_from:
        description: The envelope sender. The default is the address in the From field. Empty for an automatic reply.
        type: str
      authenticated:
        description: Whether the message was submitted over an authenticated connection, as internal senders do. The
          default is unknown.
        type: bool
      to:
        description: Addresses in the To field.
        type: list
        elements: str
      cc:
        description: Addresses in the Cc field.
        type: list
        elements: str
      bcc:
        description: Recipients that no header field shows.
        type: list
        elements: str
      subject:
        description: The subject.
        type: str
      body:
        description: The text.
        type: str
      headers:
        description: Header fields, names with a text or a list of texts. An empty text is a field that is there but
          empty. Use the other options for the fields that they cover.
        type: dict
      attachments:
        description: The attachments. What is not given about an attachment is unknown.
        type: list
        elements: dict
        suboptions:
          name:
            description: The file's name.
            type: str
            required: true
          size:
            description: Its size, in bytes or with a unit, such as C(10MB).
            type: str
          text:
            description: The text in it.
            type: str
          nested:
            description: The names of the files in it.
            type: list
            elements: str
          properties:
            description: Document properties, name to value.
            type: dict
          executable:
            description: Whether it is executable.
            type: bool
          password_protected:
            description: Whether a password protects it.
            type: bool
          unsupported:
            description: Whether Exchange cannot inspect its type.
            type: bool
          limit_exceeded:
            description: Whether Exchange cannot finish inspecting it.
            type: bool
      type:
        description:
          - The type of the message, if it is not an ordinary one.
          - >-
            V(Encrypted) is mail that is encrypted with S/MIME, V(PermissionControlled) mail that message encryption or
            rights management protects. Either is how the message is protected on arrival, and
            O(messages[].protection) must not contradict it.
          - >-
            V(SmtpForwarding) is mail that the setting of a mailbox forwards, V(AutoForward) mail that a rule of the
            Inbox forwards. Rules never see V(NDR), a non-delivery report. V(RuleReport) is a report that a mail flow
            rule sends.
        type: list
        elements: str
        choices:
          - OOF
          - AutoForward
          - Encrypted
          - Calendaring
          - PermissionControlled
          - Voicemail
          - Signed
          - ApprovalRequest
          - ReadReceipt
          - NDR
          - SmtpForwarding
          - JournalReport
          - RuleReport
      importance:
        description: The importance. The default is V(Normal).
        type: str
        choices: [Low, Normal, High]
      classification:
        description: Message classifications.
        type: list
        elements: str
      scl:
        description: The spam confidence level when the rules run, V(-1) to V(9).
        type: int
      sender_ip:
        description: The IP address that the message came from last.
        type: str
      size:
        description: The size of the whole message, in bytes or with a unit, such as C(30MB).
        type: str
      date:
        description: The time at which the rules process the message, such as C(2026-03-01T12:00:00Z). The default is
          now.
        type: str
      protection:
        description: How the message is protected when it arrives. The default is what O(messages[].type) says of it,
          otherwise that it is not protected.
        type: dict
        suboptions:
          kind:
            description: V(none), V(encrypt), V(do_not_forward), V(smime), V(smime_signed), or C(template:NAME). If
              O(messages[].type) is V(PermissionControlled), the option is unknown by default.
            type: str
          owner:
            description: Whose keys protect it.
            type: str
            choices: [own, other, unknown]
      defaults:
        description:
          - What is taken of all that is not known about the message.
          - >-
            With V(ordinary), the message has no special type, no classification and a spam confidence level of 0, and
            the documents that are attached can be read, have no password, and hold no program. What they say stays
            unknown, as does a file of another kind.
        type: str
        choices: [ordinary]
      disclaimer_insertable:
        description:
          - Whether a disclaimer can be added to the message. This is not possible in mail that is signed, or encrypted
            with keys that are not the organization's own.
          - If it is not given, a disclaimer can be added to unencrypted mail. Guarantees and comparisons take into account
            that this may fail.
        type: bool
      sensitivity_label:
        description:
          - The sensitivity label that the message carries, by name or GUID. Without it, the message has none, or of a file the one
            that its header C(msip_labels) has.
          - What the label does, O(facts) tells (C(labels)).
        type: str
      sensitive_information:
        description:
          - Whether DLP finds anything in the content of the message, by any type of sensitive information, any classifier, or any
            label of a document. What mail flow rules add to the content counts, too.
          - With V(false), a condition of a DLP rule on sensitive information is not met. Otherwise, it is unknown whether
            it is. No text says it, so it has to be told, also of a message with O(messages[].defaults).
          - A message that refutes a guarantee has it if a DLP rule could decide otherwise of the same message with sensitive
            information.
        type: bool
      expect:
        description:
          - The expected results, addresses of recipients with keys of RV(messages[].recipients).
          - Rules and ways to open a message can be given by their names alone.
        type: dict
  messages_path:
    description:
      - A file with the messages, a list like O(messages) in JSON or YAML. Use it for many messages, and JSON for
        thousands. Nothing in it is a template.
      - A relative path is searched for as M(ansible.builtin.copy) does.
    type: path
  defaults:
    description: The O(messages[].defaults) of all messages, also of those in O(messages_path).
    type: str
    choices: [ordinary]
  guarantees:
    description:
      - Guarantees about all mail, whoever sends it. Each is proved, refuted by a message that breaks it, or unknown
        with what would settle it.
  facts:
    description:
      - Facts that the organization cannot show, or is not asked for. They override what the organization shows.
      - >-
        Keys are C(accepted_domains) (each with C(name), C(type) and C(match_subdomains), or a name alone),
        C(remote_domains) (C(domain_name), C(is_internal)), C(mailboxes), C(mail_users) and C(contacts) (lists of
        addresses), C(groups) (an address to its members), C(unread_groups) (groups of which nobody knows who gets the
        mail to them), C(managers) (an address to the manager's), C(attributes) (an address to attributes by name),
        C(proxy_addresses) (an address or a name to the primary address), C(inbound_connectors), C(outbound_connectors),
        C(journal_rules), C(organization_config) (C(disable_plus_address_in_recipients)), and C(irm_configuration),
        C(rms_templates), C(ome_configurations) and C(owa_mailbox_policies) as M(m365.message_encryption.message_encryption_info) returns
        them. What is true or false there is no text in quotes.
      - >-
        If C(mailboxes) is given, no other address is a mailbox, and only those in C(mail_users) are mail users or
        guests. If only C(mail_users) is given, nobody else with an address outside of the accepted domains is one. If
        C(managers) is given, no one else has a manager.
      - >-
        C(dlp_policies), in the order of their C(priority), each with C(name), C(mode) (only V(Enable) acts), C(scope)
        (C(exchange), C(senders), C(senders_except), C(sender_groups), C(sender_groups_except) and C(adaptive)) and C(rules): C(name),
        C(priority), C(enabled), C(conditions), C(exceptions) and C(actions). A condition that a mail flow rule has, has
        its name and value; C(access_scope) is V(InOrganization) or V(NotInOrganization); a tree is C(advanced), with
        C(operator) (V(and), V(or) or V(not)) and C(conditions). Actions are those of New-DlpComplianceRule, such as
        C(encrypt_rms_template), C(remove_rms_template) and C(block_access), in snake_case. A DLP rule is certain only where it looks at the
        sender, the recipient and the access scope. If it looks at more, such as sensitive information, what it does is
        unknown (U33). An empty list says that there is none.
      - >-
        C(labels) are sensitivity labels, each with C(name), C(guid) and C(encryption), V(none), V(encrypt_only),
        V(do_not_forward), V(rights), V(user_defined) or V(remove). C(auto_label_policies) set labels on the way (C(name), C(label),
        C(mode)); without them, any label may be set (U34). C(label_policies) are the policies that publish labels (C(name)).
    type: dict
  compare_with:
    description:
      - Other rules, as a list like O(rules) or as a file like O(source). The result shows which mail, and which of the
        messages, they treat differently.
      - If the file also holds the IRM configuration of its organization, the other rules are tested under it, unless
        O(facts) gives one for both. Other facts are the same for both.
      - >-
        If the file is of another organization, one with other accepted domains, RV(changed_messages) and
        RV(organizations) take each side under its own facts. RV(difference) then says what the other rules would do in
        the tested organization.
    type: raw
  dialect:
    description:
      - How Exchange reads the patterns of O(rules) and O(guarantees).
      - V(agreed) means what all of Microsoft's pages agree on. What a pattern with anything else finds is unknown
        (U18).
      - >-
        V(dotnet) means that you rely on regular expressions of .NET. That adds the borders of words (C(\b)),
        look-around for one character, lazy quantifiers, named groups, and C(^) and C($) as the borders of the text.
        Back references, longer look-around, Unicode categories, atomic groups and conditions stay unknown. Rules with
        C(use_legacy_regex) are not affected.
      - The default is V(agreed).
    type: str
    choices: [agreed, dotnet]
  trace:
    description:
      - The recipients for whom the result shows every rule with the condition that decided.
      - V(failed) means recipients with an expectation that is not met.
      - Each rule has C(rule), C(matched) (as in C(rules) of the result, and false for other rules), C(because) (the
        condition that decided, or all where the rule may match), C(reason) (why that is unknown, or why the rule was
        not looked at), C(actions), and C(copy) (who shared the copy that it saw, if several did).
      - Each of C(because) has C(section), C(option), C(value), C(result), C(saw) (what the rule saw), and, where they
        apply, C(reason) and C(assumes).
    type: str
    choices: [failed, all, none]
    default: failed
  results:
    description:
      - The messages whose results are in RV(messages). V(failed) means messages with an expectation that is not met.
      - All messages are counted and compared with what is expected of them in any case. Of thousands of messages, all
        results take longer than the test.
    type: str
    choices: [all, failed, none]
    default: all
  lint:
    description:
      - Whether to look for problems in the tested rules.
      - The default is true with O(guarantees), O(compare_with) or O(add_rules), and false otherwise.
    type: bool
  overview:
    description:
      - >-
        Whether to show what is protected of mail to people outside, kinds of mail by destinations, as RV(overview), and what the
        rules do to mail, in English, as RV(policy).
    type: bool
  simplify:
    description:
      - Whether to look for fewer rules that do the same to all mail, as RV(simplified).
    type: bool
  references:
    description:
      - Whether to list whom and what the tested rules name, and whether the organization has it, as RV(references), such as before rules are copied
        to another organization. The rules may come from O(source) or O(rules); the organization is asked in any case.
      - It asks for at most 100 people and groups, in one round trip.
    type: bool
  suggest:
    description:
      - Whether to search for the smallest edits of the tested rules after which a refuted guarantee holds, or the
        failed expectations of a message are met, as RV(suggestions). All guarantees and expectations that hold still
        hold after them.
      - >-
        A guarantee that is unknown only because rules add people, and later rules may or may not look at them (U09), gets edits, too, after which it is
        proved.
      - >-
        Single edits are tried first, then pairs. An edit moves a rule, takes a stop out of one, changes one of its
        conditions or exceptions by values that the guarantee or other rules have, enables it, disables it or enforces
        it, or adds one rule. No edit changes C(rule_error_action); an added rule that encrypts has V(Defer).
    type: bool
  explain:
    description:
      - >-
        Whether to show, for each copy of O(messages) and of a counterexample that no rule encrypts, the rule that came
        nearest to encrypting it, and what kept it from that, as C(nearest).
    type: bool
  fail_on_error:
    description:
      - Whether the task fails when an expectation is not met or a guarantee is refuted.
    type: bool
    default: true
seealso:
  - ref: Which mail is encrypted <ansible_collections.m365.message_encryption.docsite.guide_which_mail_is_encrypted>
    description: Questions, tests and how Exchange decides.
  - ref: What a change does to mail <ansible_collections.m365.message_encryption.docsite.guide_what_a_change_does>
    description: The difference between two rule sets.
  - ref: What is guaranteed of mail <ansible_collections.m365.message_encryption.docsite.guide_what_is_guaranteed>
    description: Guarantees and lint.
  - ref: What is unknown of mail <ansible_collections.m365.message_encryption.docsite.guide_what_is_unknown>
    description: What nobody documents, by number.
  - module: m365.message_encryption.ome_transport_rules
"""

EXAMPLES = r"""
- name: What happens to this message, and is it what we expect?
  m365.message_encryption.mail_flow_test:
    messages:
      - name: Offer to a customer, a colleague in copy
        from: alexw@contoso.onmicrosoft.com
        authenticated: true
        to: [ann@fabrikam.com]
        cc: [meganb@contoso.onmicrosoft.com]
        subject: Offer
        expect:
          ann@fabrikam.com:
            protection: encrypt
            protected_by: [Encrypt all outgoing mail]
          meganb@contoso.onmicrosoft.com:
            protection: none

- name: Is all mail from inside to people outside encrypted, whoever sends it?
  m365.message_encryption.mail_flow_test:
    guarantees:
      - name: Outgoing mail is encrypted
        when:
          from_scope: InOrganization
          sent_to_scope: NotInOrganization
        then: not_in_clear

- name: Which mail did the rules treat differently when the snapshot was taken?
  m365.message_encryption.mail_flow_test:
    compare_with: snapshot.json

- name: What would one more rule do?
  m365.message_encryption.mail_flow_test:
    add_rules:
      - name: The partner reads its mail as it is
        enabled: true
        mode: Enforce
        place_before: Encrypt all outgoing mail
        conditions:
          from_scope: InOrganization
          recipient_domain_is: [fabrikam.com]
        exceptions: {}
        actions:
          stop_rule_processing: true

- name: Are there mistakes in the rules?
  m365.message_encryption.mail_flow_test:
    lint: true

- name: What do the rules do?
  m365.message_encryption.mail_flow_test:
    overview: true

- name: Why is this message not encrypted?
  m365.message_encryption.mail_flow_test:
    messages:
      - name: From a device that does not sign in
        from: scanner@contoso.onmicrosoft.com
        authenticated: false
        to: [ann@fabrikam.com]
    explain: true

- name: What is the smallest edit after which mail with a certain word is encrypted?
  m365.message_encryption.mail_flow_test:
    guarantees:
      - name: Contracts are encrypted
        when:
          from_scope: InOrganization
          subject_contains_words: [contract]
        then: not_in_clear
    suggest: true
    fail_on_error: false

- name: Which rules can go?
  m365.message_encryption.mail_flow_test:
    simplify: true

- name: Does this organization have everything that the rules of another one name?
  m365.message_encryption.mail_flow_test:
    source: another_organization.yml
    references: true

- name: A proposed rule set, without asking an organization
  m365.message_encryption.mail_flow_test:
    rules:
      - name: The partner reads its mail as it is
        enabled: true
        mode: Enforce
        conditions:
          from_scope: InOrganization
          recipient_domain_is: [fabrikam.com]
        exceptions: {}
        actions:
          stop_rule_processing: true
      - name: Encrypt all outgoing mail
        enabled: true
        mode: Enforce
        conditions:
          from_scope: InOrganization
          sent_to_scope: NotInOrganization
        exceptions: {}
        actions:
          apply_rights_protection_template: Encrypt
    facts:
      accepted_domains: [contoso.com]
      remote_domains: []
    guarantees:
      - name: Outgoing mail is encrypted, but that to the partner
        when:
          from_scope: InOrganization
          sent_to_scope: NotInOrganization
        unless:
          recipient_domain_is: [fabrikam.com]
        then: not_in_clear
    compare_with: []
"""

RETURN = r"""
msg:
  description: A summary. For each expectation that is not met it shows what was expected, what the result is, and which
    rules decided it.
  returned: always
  type: str
  sample: "1 message, 2 recipients: all 2 expectations are met."
messages:
  description: The result for each message that O(results) asks for.
  returned: success, and where an expectation is not met or a guarantee is refuted
  type: list
  elements: dict
  contains:
    name:
      description: The message's name.
      type: str
      returned: always
    recipients:
      description: >-
        The result for each address. Each RV(messages[].recipients) has C(fate) (V(delivered), V(rejected), V(deleted),
        V(quarantined), V(redirected), V(moderated) or V(unknown)); for a delivered copy C(protection) (V(none),
        V(encrypt), V(do_not_forward), C(template:NAME), V(smime), V(protected_option_unknown) or V(unknown)),
        C(protected_by) (names of rules), C(protected_by_dlp) (names of DLP rules), C(label) (the sensitivity label that it
        carries) and C(protected_on_arrival) (whether it arrived with this protection); C(rules)
        (C(name), and C(matched), true or V(unknown), in order); C(branding) (an OME configuration's name); C(opens)
        (C(way), V(inline), V(portal_passcode), V(portal_social), V(portal_work_account), V(locked_out) or V(unknown),
        and C(reason)); C(transit), how a delivered copy leaves the organization: C(tls), V(forced), V(opportunistic)
        (without TLS where the other side has none) or V(unknown), C(validation), what forced TLS checks
        (V(encryption_only), V(certificate) or V(domain)), C(connector), C(ends_at), the smart hosts at which what
        Exchange knows ends, and C(unknown), or of a copy that does not leave, but that a connector may hand to servers
        on-premises, C(on_premises) alone, the connector; C(assumes) (numbers of the assumptions that the result depends on);
        C(unknown) (of what is unknown C(id), C(reason), C(field), the key of the message or the fact that it is about,
        where there is one, and C(settled_by), which says how to find out); C(after_approval) and C(after_release) (the
        same keys, for a copy that moderation or quarantine lets through); C(trace); and, with O(explain=true),
        C(nearest) of a copy that no rule encrypts, if there is a rule that encrypts: C(rule), the one that came nearest to acting,
        the C(option) that kept it from that (such as C(conditions.sent_to) or C(exceptions.from); V(enabled), V(mode)
        or a date; or V(priority) where another rule stops before, or only a later rule makes the copy), its C(value), what
        it C(looked_at) (the rule that stops before), and how many C(others) there are. Of a copy that arrives protected, it is the rule that decrypts
        it, and its action; of one that a DLP rule leaves unprotected whatever rules do, the DLP rule and its action; of one from outside, which
        rules do not encrypt, a rule that acts on it and its action, and C(looked_at) is the sender, or C(option) is C(from) and C(value)
        the sender if none acts. Keys that do not apply are omitted.
      type: dict
      returned: always
  sample:
    - name: Offer to a customer
      recipients:
        ann@fabrikam.com:
          fate: delivered
          protection: encrypt
          protected_by: [Encrypt all outgoing mail]
          protected_on_arrival: false
          rules: [{name: Encrypt all outgoing mail, matched: true}]
guarantees:
  description: The verdict on each guarantee, in the order of O(guarantees).
  returned: with O(guarantees)
  type: list
  elements: dict
  contains:
    name:
      description: The guarantee's name.
      type: str
      returned: always
    claim:
      description: What is guaranteed of which mail, as a clause, such as C(no mail from inside to people outside is
        delivered unprotected by rules).
      type: str
      returned: unless the rules are too complex
    verdict:
      description: >-
        V(proved) if no mail that it covers breaks it, under RV(guarantees[].assumptions); V(refuted) if
        RV(guarantees[].counterexample) certainly breaks it; otherwise V(unknown).
      type: str
      returned: always
    assumptions:
      description: The assumptions of the proof, each with C(id), C(text), and C(mail), the mail that it leaves
        undecided, where it does.
      type: list
      elements: dict
      returned: always
    counterexample:
      description: >-
        A C(message) as O(messages) takes it, its C(recipient), the C(outcome) as in RV(messages[].recipients), and the
        C(facts) that it needs in addition to the known ones; C(supposed_groups) are the groups in them that decide whether it breaks the guarantee, and
        of which nobody knows the members. What it does not say does not matter. C(decided_by) lists
        the last rule without which the guarantee would be kept; absent where no rule decides. For
        V(protected_in_transit), C(hole) names the hole: the C(domain), its C(kind) (V(opportunistic), V(weak),
        V(domain_only), V(subdomains_only), V(disabled), V(not_routed) or V(uncovered)), the C(connector), what it
        C(covers), and what its TLS checks (C(validation)). Of mail that has to expire in the portal, C(expiry) is the
        number of days of the branding, 0 for never. For V(portal), C(unbranded) is true if it is protected, but shows
        no branding. C(shown_to) is somebody to whom a rule shows the C(recipient)'s copy, unprotected by rules, in a
        report or for an approval, if that breaks it. C(cause) says why the copy breaks it, where that is known of a rule: its
        C(kind), the C(rule), the C(option) and C(value) that it is about, and the C(other) rule. Of a rule that
        decides, C(kind) is V(rejects), V(deletes), V(quarantines), V(redirects), V(holds), V(decrypts), V(encrypts) (before
        the other, which is meant to keep rules from that),
        V(sends_copy) (it makes the copy) or V(stops) (before the other). Otherwise it is what keeps a rule from
        helping the copy: V(disabled), V(mode), V(dates), V(exception), V(scope), V(internal_domain)
        (a remote domain makes its people internal), V(never_matches) (a value of a
        condition), V(asterisk) (which is no wildcard in a word), V(misspelled) (a domain or group), V(unauthenticated) (the sender),
        V(stopped) (by the other), V(no_manager) (it asks the sender's manager), V(elsewhere) (it looks for the same texts or people
        in another place, for longer texts, for some people of a domain, or for other values), or
        V(from_outside) (it acts, but rules do not encrypt mail from outside). V(exception)
        is also what keeps a rule from rejecting or deleting the copy, or, where that is enough, from holding it. Or it is what a rule does to it without
        encrypting it: V(only_brands) or V(only_routes). C(would) says what a rule that does not act would do: V(encrypt),
        V(decrypt), V(route), V(brand), V(reject), V(delete), V(quarantine), V(moderate) or V(stop).
        C(also) is the second of two such things that keep a rule in
        effect, which is meant for the mail, from helping the copy, or an exception of a rule that decides which likely is meant for
        the mail and is written so that it misses it. Of a DLP rule, C(kind) is V(dlp_blocks), V(dlp_redirects),
        V(dlp_quarantines), V(dlp_holds) (for an approval), V(dlp_decrypts), V(dlp_encrypts) or V(dlp_undoes) (it takes away
        whatever protection such mail has). Of a DLP rule that could prevent it and does not act, it is V(dlp_tested) (its
        policy is in a test mode, C(value)) or V(dlp_disabled).
      type: dict
      returned: when the verdict is V(refuted)
    unknown:
      description: >-
        What is unknown, each with C(id) (the number of an open question; where this collection found no answer, a word such as V(budget) or V(not_found)),
        C(reason), C(field), the key of messages or facts that it is about, where there is one, and C(settled_by), which says how to find out.
      type: list
      elements: dict
      returned: when the verdict is V(unknown)
  sample:
    - name: Outgoing mail is encrypted
      claim: all mail from inside to people outside is delivered encrypted
      verdict: refuted
      assumptions: []
      counterexample:
        message: {name: Outgoing mail is encrypted, from: sender@contoso.com, authenticated: true, to: [recipient@fabrikam.com]}
        recipient: recipient@fabrikam.com
        outcome: {fate: delivered, protection: none}
difference:
  description: >-
    The classes of mail that O(compare_with) and the tested rules treat differently, most important first. "Before" is
    O(compare_with), or the rules without those of O(add_rules), "after" the tested rules. A class is a kind of
    difference with the changed rule that causes it, and with the first later rule that no longer acts, or newly acts;
    where there are many such rules, one class is about all that are left. The list is complete if RV(difference_more)
    is 0.
  returned: with O(compare_with) or O(add_rules)
  type: list
  elements: dict
  contains:
    kind:
      description: >-
        V(protection_lost), V(delivery_lost), V(transit_lost) (no longer by forced TLS, or by TLS that checks less),
        V(protection_gained), V(delivery_gained), V(transit_gained), V(protection_changed), V(branding_changed),
        V(fate_changed), V(side_effect_changed) (incident reports, notifications, who is asked for an approval,
        decrypted attachments, connectors, TLS, spam confidence levels, other texts) or V(unknown).
      type: str
      returned: always
    text:
      description: A sentence that says which mail it is, what happens to it now, and which rule is the cause.
      type: str
      returned: always
    summary:
      description: >-
        The sentence that a page or a terminal has in the place of this row and all others with the same one. It says how many they are. Where there
        are more than 6 rows, those that one edit treats differently in one way are summed up, the least important first. So are
        all that are unknown, where that takes more than two sentences.
      type: str
      returned: where rows are summed up
    contradicted:
      description: >-
        Sentences about test messages that contradicted what is computed of its rules (O(observations)). Then it is not certain. RV(policy) and
        RV(suggestions) have them, too.
      type: list
      elements: str
      returned: if there are any
    when:
      description: Conditions that all of this mail meets as it arrives, in the form of a rule's section.
      type: dict
      returned: always
    unless:
      description: The mail of C(when) that is not meant, in the form of a rule's exceptions.
      type: dict
      returned: where a rule has exceptions, or got or lost a condition
    every:
      description: Whether it happens to all mail that meets C(when), and not C(unless). If not, exceptions or other
        rules may treat some of it differently.
      type: bool
      returned: for all kinds but V(unknown)
    keep_unusual:
      description: The other rules that keep only such mail from it which is not usual, such as forwarded mail.
      type: list
      elements: dict
      returned: if there are any
      contains:
        rule:
          description: The name of the rule.
          type: str
          returned: always
        when:
          description: Its conditions that look for unusual mail. Empty if none does.
          type: dict
          returned: always
        mail:
          description: This mail in words.
          type: str
          returned: always
    rules:
      description: The names of the changed rules that cause it. Empty if settings are the cause.
      type: list
      elements: str
      returned: always
    later:
      description: The name of the first later rule that no longer acts, or newly acts, since a changed rule acts
        differently.
      type: list
      elements: str
      returned: where the class is about one
    arrives:
      description: How the mail that is meant arrives protected, V(own), V(other), V(smime) or V(smime_signed).
      type: str
      returned: where it makes the difference
    was:
      description: The fate, protection or branding that all of this mail had, or the C(rule_error_action) of the rule,
        V(Ignore) or V(Defer), if that changed.
      type: str
      returned: where it is the same for all of it
    becomes:
      description: The fate, protection or branding that all of this mail has now, or the C(rule_error_action) of the
        rule, V(Ignore) or V(Defer), if that changed.
      type: str
      returned: where it is the same for all of it
    side_effects:
      description: >-
        What rules newly do, or no longer do (C(now)). C(kind) is V(report), V(original) (a report with the original
        mail), V(notification), V(approval), V(attachments) (protected ones are decrypted), V(connector), V(tls),
        V(spam), V(no_spam), V(rejection_text), V(notification_text), V(disclaimer_text) or V(disclaimer_fallback) (what
        becomes of mail into which the disclaimer does not fit), and C(name) who is told or asked, the connector, the spam
        confidence level, the text or the action.
      type: list
      elements: dict
      returned: for the kind V(side_effect_changed), and for V(unknown) where later rules may report rejected mail (U10)
    people:
      description: Those whom the mail may reach, of whom it is unknown who they are.
      type: list
      elements: str
      returned: for rules that add or redirect to a group, a manager, or somebody known only by a name
    dates:
      description: What dates of a rule change later. Each entry has V(new), V(gone), V(other) or V(meets), V(begins) or
        V(ends), and the date.
      type: list
      elements: list
      returned: for dates that are to come
    added:
      description: The person whom rules add to the mail, or redirect it to, if the row is about their copies and not
        about those of the mail's recipients.
      type: str
      returned: for copies of people whom rules add
    before:
      description: The result of the witness before.
      type: dict
      returned: when it is known, and there is such a copy
    after:
      description: The result of the witness with the tested rules.
      type: dict
      returned: when it is known, and there is such a copy
    witness:
      description: A C(message) as O(messages) takes it, its C(recipient), and the C(facts) that it needs in addition to
        the known ones.
      type: dict
      returned: when there is one
    unknown:
      description: What is unknown, each with C(id) as in RV(guarantees[].unknown), C(reason), and C(settled_by), which says how to find out.
      type: list
      elements: dict
      returned: for the kind V(unknown)
    in_words:
      description: The ids of RV(difference[].unknown) beside which C(text) says in words what is unknown, or of which mail alone.
      type: list
      elements: str
      returned: for the kind V(unknown), if there are any
difference_more:
  description: How many classes there are at least that are not listed; 0 if the list is complete.
  returned: with O(compare_with) or O(add_rules)
  type: int
  sample: 0
references:
  description: Whom and what the tested rules name, each once.
  returned: with O(references)
  type: list
  elements: dict
  contains:
    kind:
      description: V(recipient), V(group), V(template), V(ome_configuration), V(connector) or V(classification).
      type: str
      returned: always
    value:
      description: The address or the name.
      type: str
      returned: always
    rules:
      description: The names of the rules that name it.
      type: list
      elements: str
      returned: always
    options:
      description: The options in which it stands, with their sections.
      type: list
      elements: str
      returned: always
    status:
      description: >-
        V(present), V(missing) (Exchange has clearly none), V(outside) (an address in no accepted domain of the organization, which is not asked for),
        or V(unknown).
      type: str
      returned: always
    reason:
      description: Why it is not V(present); otherwise empty.
      type: str
      returned: always
  sample:
    - kind: connector
      value: To the scanner
      rules: [Scan]
      options: [actions.route_message_outbound_connector]
      status: missing
      reason: Exchange does not list it
changed_messages:
  description: >-
    The messages that are treated differently, as RV(difference), each with C(kind), C(text), C(before), C(after)
    and C(witness).
  returned: with O(compare_with) or O(add_rules), and O(messages) or O(messages_path)
  type: list
  elements: dict
lint:
  description: >-
    Problems in the tested rules, each with C(kind), C(rules) (names) and C(reason). Rules that have the same problem by
    themselves are one entry. Examples are rules that never act,
    exceptions that never apply, duplicate rules, rules that do nothing of their own (V(covered_rule)), an encrypting
    and a decrypting rule for the same mail, rules that stop mail before a later rule can encrypt it, and rules that
    stop it only when an earlier one has (V(stops_after_encryption)). Of mail on its way,
    V(gateway_gets_ciphertext), V(journal_keeps_ciphertext), V(connector_misses_subdomains), V(connector_of_no_rule),
    V(routed_to_disabled_connector) and V(stops_for_disabled_connector). Of what senders choose, V(typed_exception),
    V(typed_stop), V(answers_missed) and V(prefix_repeats); V(outsiders_locked_out) is about those who can open nothing.
    Of what follows the rules, V(dlp_removes_what_rules_encrypt), V(dlp_and_rule_differ), V(template_used_by_dlp),
    V(dlp_in_test_mode) and V(label_and_rule_differ).
    V(too_complex) means that the rules are too complex for all checks.
  returned: with O(lint=true), and with O(guarantees), O(compare_with) or O(add_rules) unless O(lint=false)
  type: list
  elements: dict
  sample:
    - kind: never_acts
      rules: [Encrypt offers, The partner reads its mail as it is]
      reason: "The rule 'Encrypt offers' never acts: none of its mail gets past 'The partner reads its mail as it is'."
overview:
  description: >-
    What rules or forced TLS protect: kinds of mail from inside, by destinations. Mail is protected if it is
    encrypted, leaves by forced TLS only, or is not delivered. Each row is decided for all of its mail, as a guarantee
    is: usual mail that arrives unencrypted.
  returned: with O(overview=true)
  type: list
  elements: dict
  contains:
    kind_of_mail:
      description: >-
        V(from_inside) (all of it), V(automatic_reply), V(forwarded), V(with_attachment) or V(over_25_mb) (over 17.8 MB,
        which may be over 25 MB once encoded).
      type: str
      returned: always
    destination:
      description: >-
        Where a copy goes: a domain, with its subdomains, that rules or outbound connectors name, or in which rules add,
        redirect, or show mail to somebody; or C(everybody else) outside.
      type: str
      returned: always
    protected:
      description: V(always), V(never) (none of it that is delivered), V(depends) or V(unknown).
      type: str
      returned: always
    "on":
      description: The names of the rules that act on a protected message, and not on an unprotected one, or the other
        way round.
      type: list
      elements: str
      returned: where it depends on rules
    witness:
      description: A C(message) as O(messages) takes it, its C(recipient) and C(outcome), and the C(facts) that it needs
        in addition to the known ones. Where it depends, an unprotected message.
      type: dict
      returned: unless the rules are too complex
    besides_dlp:
      description: >-
        The DLP rules that may treat some of this mail otherwise, where it is open on which mail they act, as of one that looks
        for sensitive information. C(protected), C(on) and C(witness) are about mail on which none of these acts.
      type: list
      elements: str
      returned: where there are such rules
    unknown:
      description: What is unknown, each with C(id) as in RV(guarantees[].unknown), C(reason), and C(settled_by), which says how to find out.
      type: list
      elements: dict
      returned: when C(protected) is V(unknown)
  sample:
    - kind_of_mail: from_inside
      destination: bank.example
      protected: always
simplified:
  description: >-
    Fewer rules that do the same, whatever is unknown: no mail is treated differently, and no side effect differs,
    whoever is in the organization and its groups. A rule stays if it has an effect that the difference does not compare
    and may act.
  returned: with O(simplify=true)
  type: dict
  contains:
    rules:
      description: >-
        All rules, in order, as O(rules) and M(m365.message_encryption.ome_transport_rules) take them. Those that go are
        at the end, with C(state=absent).
      type: list
      elements: dict
      returned: where fewer rules are proved to do the same
    yaml:
      description: C(rules) as YAML, to be pasted.
      type: str
      returned: where fewer rules are proved to do the same
    removed:
      description: >-
        The rules that can go, each with C(rule), C(reason) and C(by), the rules that do the same to all of its mail, or
        keep all mail from it.
      type: list
      elements: dict
      returned: always
    merged:
      description: >-
        The rules that can be one, each with C(rules), C(into), the one of them that has the values of all, and
        C(option), the condition in which they differ.
      type: list
      elements: dict
      returned: always
    kept:
      description: The rules that look as if they could go, and stay, each with C(rule) and C(reason).
      type: list
      elements: dict
      returned: always
    unwritten:
      description: The rules that this collection cannot write. They are not in C(rules), and keep their places.
      type: list
      elements: str
      returned: where there are some, and C(rules) is returned
    proof:
      description: >-
        C(equal), whether the proposed rules are proved to do the same, with C(assumptions) (none, unless rules look
        into content; as RV(guarantees[].assumptions)), C(rules_before), C(rules_after) and C(comparisons), how many
        sets of edits were compared. If nothing is proposed, the C(reason).
      type: dict
      returned: always
  sample:
    removed: [{rule: Encrypt offers, reason: "'Encrypt all outgoing mail' does the same to all of its mail", by: [Encrypt all outgoing mail]}]
    merged: []
    kept: []
    proof: {equal: true, assumptions: [], rules_before: 2, rules_after: 1, comparisons: 1}
suggestions:
  description: >-
    Edits of the tested rules after which a refuted guarantee holds, or the failed expectations of a message are met.
    There are at most five for each, those that change the least other mail first; those that help for a
    time only, and those by which mail loses protection or is not delivered, are last. Where no edit that was tried does
    it, there are up to two first steps that put the message right which shows it, each with what stays C(open), or one
    entry without edits. That says what helps instead, if it is known - a device that signs in, another C(then), no
    C(template), an earlier expiry or an OME configuration to add, an edit of a DLP rule, which people make, or an C(unless) that leaves out mail from
    outside, mail of a DLP rule, or what rules keep from delivery - or which guarantee that holds contradicts it, and for
    which message.
    With the mail of a trace, those that would have changed fewer copies come first.
  returned: with O(suggest=true)
  type: list
  elements: dict
  contains:
    for:
      description: The name of the guarantee or of the message.
      type: str
      returned: always
    edits:
      description: >-
        The edits, each with C(kind) (V(move), V(stop), V(exception), V(condition), V(action), V(enable) or V(add)), C(rule),
        C(option) such as C(exceptions.sent_to), and C(before) and C(after) where it is set. Of a rule that is moved or
        added the option is C(priority), which counts from 0. An edit of an outbound connector, or a new one, has
        the C(kind) V(connector), and C(connector) instead of C(rule). People make it: this collection writes no connectors.
        An earlier expiry has the C(kind) V(ome_configuration), and C(configuration) instead of C(rule), with the most days
        that it may have as C(after): M(m365.message_encryption.ome_configuration) sets it.
      type: list
      elements: dict
      returned: always
    text:
      description: The edits as a sentence, with the mail that loses by them although nobody asked for that.
      type: str
      returned: always
    puts_right:
      description: >-
        The message that showed the question and is put right, as a sentence; of two edits, one for each. Of a guarantee that is unknown, what the edits
        settle.
      type: str
      returned: where the edits are for a guarantee
    effect:
      description: >-
        What the edits change in mail, as sentences: the widest class of mail first, and what is only possible last. Of
        more than two classes, the others are counted; C(difference) has all of them.
      type: str
      returned: where edits of rules change mail
    unless:
      description: The C(unless) with which no mail is known to break the guarantee, without any edit.
      type: dict
      returned: where rules or DLP rules decide some mail of a guarantee, or it comes from outside, and nothing else breaks it
    open:
      description: What stays open after the edits, as a sentence.
      type: str
      returned: where the guarantee then is not kept, or perhaps not, for all mail
    cmdlet:
      description: The edit of a connector as a PowerShell command.
      type: str
      returned: where the edit is one of a connector
    until:
      description: The day from which they help no longer, because a rule begins or ends then.
      type: str
      returned: where there is such a day
    rules:
      description: All rules after the edits, as O(rules) takes them.
      type: list
      elements: dict
      returned: where there are edits of rules
    difference:
      description: What the edits change in mail, as RV(difference).
      type: list
      elements: dict
      returned: where there are edits of rules
    difference_more:
      description: How many classes there are at least that are not listed; 0 if the list is complete.
      type: int
      returned: where there are edits of rules
    yaml:
      description: The edited rules as YAML, to be pasted.
      type: str
      returned: where there are edits of rules
    diff:
      description: The edits as a diff of YAML, which C(--diff) also prints. Rules that are not edited are there by
        their names.
      type: str
      returned: where there are edits of rules
    unwritten:
      description: The rules that this collection cannot write. They are not in C(rules), and keep their places.
      type: list
      elements: str
      returned: where there are such rules
    tried:
      description: >-
        What was tried. C(edits) and C(pairs) of edits, how many of them stayed C(undecided), and whether that is all
        (C(complete)).
      type: dict
      returned: always
policy:
  description: >-
    What the rules do to mail, in English, the most important first, whatever their order. Each sentence is about the
    mail that meets a rule's conditions, and true of all usual mail of this kind on which none of the rules in
    C(unless) acts. The rules are mail flow rules, and the DLP rules that surely act on the mail that they are about.
    What rules change in the subject, headers, text or spam confidence level is not in it. A DLP rule of
    which it is open on which mail it acts, such as one that looks for sensitive information, is named by the first
    sentence, or, if it changes nothing of what others say, by the last one. All others are about mail on which it does not act.
  returned: with O(overview=true)
  type: list
  elements: dict
  contains:
    kind:
      description: >-
        V(dlp) (DLP rules of which it is open on which mail they act), V(encrypted), V(decrypted), V(rejected), V(deleted),
        V(quarantined), V(moderated), V(redirected), V(copied), V(in_transit), V(branded), V(shown), V(reported), V(routed),
        V(marked) (for the spam filter) or V(unknown) (what may happen, or that the list is incomplete).
      type: str
      returned: always
    text:
      description: The sentence, with the rules that do it.
      type: str
      returned: always
    rules:
      description: The names of the rules that do it.
      type: list
      elements: str
      returned: always
    by_dlp:
      description: Whether these are DLP rules.
      type: bool
      returned: if they are
    unless:
      description: >-
        The other rules that keep some of this mail from it, each with its name (C(rule)) and C(how), V(rejects),
        V(deletes), V(quarantines), V(redirects), V(stops) (the rules before), V(may_stop) (a rule on trial),
        V(decrypts), V(asks) (for another template), V(brands) (otherwise) or V(holds) (for approval); of a DLP rule,
        V(dlp_blocks), V(dlp_redirects), V(dlp_quarantines), V(dlp_decrypts), V(dlp_asks) (for another template), V(dlp_stops) (the DLP
        rules after it) or V(dlp_acts) (perhaps instead of it). The sentence names some of them, and counts the others by C(how).
      type: list
      elements: dict
      returned: where there are such rules
    unnamed:
      description: >-
        Those of C(unless) that the sentence only counts: where there are many, or rules that end mail of many others.
        C(msg) and the report have a table of them.
      type: list
      elements: dict
      returned: where there are such rules
    besides_dlp:
      description: Whether the DLP rules of the first sentence may treat some of this mail otherwise.
      type: bool
      returned: if they may
    unknown:
      description: >-
        The numbers of the open questions on which it depends, or V(not_found) where neither a proof nor an example was found.
      type: list
      elements: str
      returned: where it depends on something unknown
  sample:
    - kind: encrypted
      text: All mail from inside to people outside is encrypted with 'Encrypt' ('Encrypt all outgoing mail').
      rules: [Encrypt all outgoing mail]
organizations:
  description: >-
    Where the organization of O(compare_with) and the tested one differ, each with its own rules and facts. C(overview)
    has the cells of RV(overview) that are not decided alike, each with C(kind_of_mail), C(destination), C(text),
    C(before) and C(after) (rows of RV(overview)). C(only_before) and C(only_after) are sentences as in RV(policy) that
    are true of one of them only, whatever the names of the rules. C(unknown) has the mail, and the sentences, of which
    it is unknown in both. C(not_compared) says which settings differ, as far as the rest does not show what that
    means. "Before" is O(compare_with).
  returned: with O(overview=true), if O(compare_with) is a file of an organization with other accepted domains
  type: dict
observed:
  description: >-
    What was observed in this organization, each with C(id) (the number of the question), C(answer), C(seen) (the date) and C(text). Where observations do
    not count, C(left_out) is V(old), V(changed) or V(contradictory) instead. A test message that contradicted what is computed has its parts in
    C(contradicted), the C(rules) that acted on it, C(seen), C(experiment) and C(text).
  returned: with O(observations)
  type: list
  elements: dict
unseen:
  description: >-
    What may encrypt mail, or take its protection away, and was neither read nor told, V(dlp), V(labels) and
    V(encrypt_button). So whatever calls mail protected or not says that of rules and forced TLS alone. RV(msg) says so in
    its last line, and each of RV(guarantees) has it, too.
  returned: success, and where an expectation is not met or a guarantee is refuted
  type: list
  elements: str
  sample: [dlp, labels, encrypt_button]
not_read:
  description: >-
    Why DLP policies and labels that count are not known, as sentences. An audit, a plan or M(m365.message_encryption.mail_flow_replay)
    asks for them, and may so say something else about the same mail.
  returned: if they were neither told nor read
  type: list
  elements: str
  sample: ["DLP policies and sensitivity labels were not asked for: compliance is false."]
unavailable:
  description: The facts that this session may not read, with the reason. Results that depend on them are unknown.
  returned: success, and where an expectation is not met or a guarantee is refuted
  type: dict
  sample: {}
"""

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.added_rules import (
    ADDED_RULES_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    GUARANTEES_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.message_options import (
    DEFAULTS_ARGUMENT_SPEC,
    MESSAGES_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.observations import (
    OBSERVATIONS_ARGUMENT_SPEC,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    COMPLIANCE_ARGUMENT_SPEC,
    DIALECT_ARGUMENT_SPEC,
    RULES_ARGUMENT_SPEC,
    MailFlowContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.tasks.rules_test import run_test

SPEC: dict[str, Any] = {
    "argument_spec": {
        "messages": MESSAGES_ARGUMENT_SPEC,
        "messages_path": {"type": "path"},
        "defaults": DEFAULTS_ARGUMENT_SPEC,
        "guarantees": GUARANTEES_ARGUMENT_SPEC,
        "rules": RULES_ARGUMENT_SPEC,
        "facts": {"type": "dict"},
        "add_rules": ADDED_RULES_ARGUMENT_SPEC,
        "source": {"type": "path"},
        "compare_with": {"type": "raw"},
        "dialect": DIALECT_ARGUMENT_SPEC,
        "trace": {"type": "str", "choices": ["failed", "all", "none"], "default": "failed"},
        "results": {"type": "str", "choices": ["all", "failed", "none"], "default": "all"},
        "lint": {"type": "bool"},
        "overview": {"type": "bool"},
        "simplify": {"type": "bool"},
        "references": {"type": "bool"},
        "suggest": {"type": "bool"},
        "explain": {"type": "bool"},
        **COMPLIANCE_ARGUMENT_SPEC,
        **OBSERVATIONS_ARGUMENT_SPEC,
        "fail_on_error": {"type": "bool", "default": True},
    },
    "mutually_exclusive": [["messages", "messages_path"], ["rules", "source"]],
    "required_one_of": [
        [
            "messages",
            "messages_path",
            "guarantees",
            "compare_with",
            "add_rules",
            "lint",
            "overview",
            "simplify",
            "references",
        ]
    ],
}


def run(task: MailFlowContext) -> dict[str, Any]:
    """Answers what the task asks of its rules."""
    return run_test(task)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
