# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection plugin: an Exchange organization as a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: exchange
short_description: Connect to an Exchange organization
version_added: 1.0.0
author: the m365.message_encryption contributors (!UNKNOWN)
description:
  - An Exchange Online tenant, or an Exchange organization on-premises, is a host in the inventory. Its host or group
    sets C(ansible_connection=m365.message_encryption.exchange), and the modules of this collection then manage the
    organization.
  - The first task of a run starts one small process beside C(ansible-playbook). It keeps the session of each
    organization until the run ends. Secrets reach that process over a private socket only.
  - An organization is not a machine. Modules such as M(ansible.builtin.command) or M(ansible.builtin.setup) fail over
    this connection. Delegate them to localhost, and set C(gather_facts=false) in the play.
  - An unknown variable that begins with C(ansible_exchange_) is an error.
requirements:
  - requests and msal (transport V(rest))
  - pypsrp (transport V(psrp))
  - pypsrp, msal, PowerShell 7.4 or newer and its module ExchangeOnlineManagement 3.9 or newer (transport
    V(powershell)); version 3.10 of the module requires PowerShell 7.6
  - a module with Connect-IPPSSession on the management host, to read DLP policies and labels (transport V(psrp))
notes:
  - Set C(ansible_connection) on a group of organizations, never on C(all), because C(localhost) would use it too.
  - A play with C(hosts=localhost) and the keyword C(connection) still uses V(local), because a variable of the implicit
    localhost takes precedence.
  - Each item of a loop, and each delegated task, reaches the organization that its own variables name.
  - A credential in a variable takes precedence over all credentials in environment variables.
options:
  exchange_transport:
    description:
      - How to reach Exchange.
      - V(rest) uses the admin API of Exchange Online, the interface of Microsoft's ExchangeOnlineManagement module.
        Microsoft does not document it for other clients.
      - V(psrp) uses PowerShell remoting to a Windows management host that has that module, or to an endpoint whose
        session already has the cmdlets, such as Exchange on-premises.
      - V(powershell) uses a PowerShell process with the ExchangeOnlineManagement module where C(ansible-playbook) runs.
        Microsoft supports the module on Linux, so this needs no Windows host.
      - V(file) uses a captured organization (O(exchange_capture_path)). It is read-only, so use it in check mode, for
        example for a pull request.
    type: str
    choices: [rest, psrp, powershell, file]
    default: rest
    vars:
      - name: ansible_exchange_transport
  exchange_organization:
    description:
      - The organization's initial domain, such as V(contoso.onmicrosoft.com), or its tenant id.
      - A session in another organization is refused. The initial domain works everywhere. With
        O(exchange_transport=psrp) a tenant id works only if the session can run Get-ConnectionInformation.
      - Required for O(exchange_transport=rest), O(exchange_transport=powershell) and O(exchange_transport=file), and
        for O(exchange_psrp_connect=exchange_online). You can omit it if the host's address or name in the inventory is
        an initial domain.
    type: str
    vars:
      - name: ansible_exchange_organization
  exchange_environment:
    description:
      - The Microsoft cloud. It determines the API's host, the authority that issues tokens, and their scope.
    type: str
    choices: [O365Default, O365USGovGCCHigh, O365USGovDoD, O365China]
    default: O365Default
    vars:
      - name: ansible_exchange_environment
  exchange_client_id:
    description:
      - The application (client) id of the app registration.
      - With O(exchange_managed_identity=true), it is the client id of a user-assigned identity.
    type: str
    vars:
      - name: ansible_exchange_client_id
    env:
      - name: EXCHANGE_CLIENT_ID
  exchange_certificate_path:
    description:
      - A file with the application's certificate and private key.
      - With O(exchange_transport=rest) and O(exchange_transport=powershell) it is a PEM or PFX file on the controller,
        with its chain if it has one.
      - With O(exchange_transport=psrp) it is a PFX file on the management host.
    type: str
    vars:
      - name: ansible_exchange_certificate_path
    env:
      - name: EXCHANGE_CERTIFICATE_PATH
  exchange_certificate_password:
    description:
      - The password of O(exchange_certificate_path).
    type: str
    vars:
      - name: ansible_exchange_certificate_password
    env:
      - name: EXCHANGE_CERTIFICATE_PASSWORD
  exchange_certificate_thumbprint:
    description:
      - The thumbprint of a certificate in the management host's certificate store (O(exchange_transport=psrp)).
    type: str
    vars:
      - name: ansible_exchange_certificate_thumbprint
    env:
      - name: EXCHANGE_CERTIFICATE_THUMBPRINT
  exchange_client_secret:
    description:
      - The application's client secret (not with O(exchange_transport=psrp)). A certificate is more secure.
    type: str
    vars:
      - name: ansible_exchange_client_secret
    env:
      - name: EXCHANGE_CLIENT_SECRET
  exchange_managed_identity:
    description:
      - Whether to use the managed identity of the machine that runs ansible-playbook or, with
        O(exchange_transport=psrp), of the management host.
    type: bool
    default: false
    vars:
      - name: ansible_exchange_managed_identity
    env:
      - name: EXCHANGE_MANAGED_IDENTITY
  exchange_federated_token_file:
    description:
      - A file with a token that the application trusts (workload identity federation; not with
        O(exchange_transport=psrp)). It is read again for each token.
    type: path
    vars:
      - name: ansible_exchange_federated_token_file
    env:
      - name: EXCHANGE_FEDERATED_TOKEN_FILE
  exchange_access_token:
    description:
      - An access token for Exchange that you fetched in another way. It cannot be renewed, so tasks fail after it
        expires.
    type: str
    vars:
      - name: ansible_exchange_access_token
    env:
      - name: EXCHANGE_ACCESS_TOKEN
  exchange_device_code:
    description:
      - Whether a person signs in, with a code that the run shows and a browser on any device (not with
        O(exchange_transport=psrp)). Use it for a first look, before you register an application. The run can read what
        the person can read; every write is refused.
      - The sign-in lasts until the run ends and is not stored. The run waits while the code is valid, which is 15
        minutes. Several organizations ask one after the other.
      - Without O(exchange_client_id) the application is Microsoft's public client for Exchange Online PowerShell,
        V(fb78d390-0c51-40cd-8e17-fdbfab77341b). Your own application must allow public client flows.
      - Many organizations block such codes with Conditional Access, as Microsoft recommends. In that case use
        O(exchange_interactive).
    type: bool
    default: false
    vars:
      - name: ansible_exchange_device_code
  exchange_interactive:
    description:
      - Like O(exchange_device_code), but the person signs in with the browser of the machine that runs
        ansible-playbook.
      - Your own application needs the redirect URI C(http://localhost).
    type: bool
    default: false
    vars:
      - name: ansible_exchange_interactive
  exchange_capture_path:
    description:
      - The capture of the organization (O(exchange_transport=file)). The role
        P(m365.message_encryption.hardened_baseline#role) writes one with each snapshot. A capture of another
        organization, in another format, or changed after it was written is refused.
      - Reading something that the capture does not contain is an error; it never counts as absent. Credentials in other
        variables are ignored.
      - A capture contains addresses, but no credentials. Protect it like the snapshots.
    type: path
    vars:
      - name: ansible_exchange_capture_path
  exchange_capture_max_age:
    description:
      - The maximum age of O(exchange_capture_path) in days. An older capture is refused. If this is not set, a capture
        older than 30 days causes a warning.
    type: int
    vars:
      - name: ansible_exchange_capture_max_age
  exchange_api_url:
    description:
      - An address to use instead of the cloud's API (O(exchange_transport=rest)). Plain http is refused unless the host
        is loopback.
    type: str
    vars:
      - name: ansible_exchange_api_url
  exchange_authority_url:
    description:
      - An address to use instead of the cloud's authority, which issues tokens. It must be https.
    type: str
    vars:
      - name: ansible_exchange_authority_url
  exchange_graph_url:
    description:
      - An address to use instead of Microsoft Graph's, for
        O(m365.message_encryption.mail_flow_replay#module:trace_source=graph) and
        M(m365.message_encryption.mail_flow_experiment). It must be https.
    type: str
    vars:
      - name: ansible_exchange_graph_url
  exchange_compliance_url:
    description:
      - >-
        The front of Microsoft Purview's compliance endpoint, which has DLP policies and sensitivity labels. The default
        depends on O(exchange_environment). None is known for V(O365China).
      - >-
        With O(exchange_transport=psrp) and O(exchange_transport=powershell) it is what Connect-IPPSSession gets as its
        C(ConnectionUri), with C(/powershell-liveid/) after it.
      - Set it only for tests or gateways.
    type: str
    vars:
      - name: ansible_exchange_compliance_url
  exchange_compliance:
    description:
      - Whether to ask the compliance endpoint for DLP policies and sensitivity labels, where a task needs them.
      - >-
        By default, it is asked, and what is not granted or cannot be reached is named as not seen. V(false): it is
        never asked. V(true): a host whose compliance endpoint cannot be reached is unreachable.
      - >-
        It is asked over a second session, which Connect-IPPSSession of Microsoft's module opens with
        O(exchange_transport=psrp) and O(exchange_transport=powershell). Of an endpoint that is connected already
        (O(exchange_psrp_connect=none)), V(true) says that its session has the cmdlets.
    type: bool
    vars:
      - name: ansible_exchange_compliance
  exchange_ca_cert:
    description:
      - A PEM file with the certificate authorities to trust (not with O(exchange_transport=psrp)). The default is those
        of the Python library certifi and, for the module of O(exchange_transport=powershell), those of the system.
    type: path
    vars:
      - name: ansible_exchange_ca_cert
  exchange_validate_certs:
    description:
      - Whether to validate TLS certificates (O(exchange_transport=rest)). With V(false) anyone on the network path can
        read the credential.
    type: bool
    default: true
    vars:
      - name: ansible_exchange_validate_certs
  exchange_proxy:
    description:
      - The proxy (not with O(exchange_transport=psrp)), such as V(http://proxy.example.com:3128). By default the usual
        environment variables apply.
      - With O(exchange_transport=powershell) a proxy with a user and a password is refused, because the password would
        be in a process's environment.
    type: str
    vars:
      - name: ansible_exchange_proxy
  exchange_powershell_path:
    description:
      - The PowerShell program for O(exchange_transport=powershell), as a path or as a name on E(PATH).
    type: str
    default: pwsh
    vars:
      - name: ansible_exchange_powershell_path
  exchange_powershell_processes:
    description:
      - The maximum number of PowerShell processes in a run with O(exchange_transport=powershell). Each takes 140 to 300
        MB of memory and serves one organization at a time. DLP policies and labels are read by a second process of
        their organization.
      - The number applies to the whole run. If hosts have different numbers, the smallest one applies.
      - If a run has more organizations, the process that has been idle longest ends to make room for the next
        organization, and its own organization must connect again later. Set C(forks) to no more than this number, and
        use C(strategy=host_pinned) so that each organization finishes before the next one starts.
    type: int
    default: 4
    vars:
      - name: ansible_exchange_powershell_processes
  exchange_psrp_connect:
    description:
      - Whether the session must run Connect-ExchangeOnline first (V(exchange_online)) or already has the cmdlets
        (V(none)).
    type: str
    choices: [exchange_online, none]
    default: exchange_online
    vars:
      - name: ansible_exchange_psrp_connect
  exchange_verify_organization:
    description:
      - Whether to refuse a session in an organization other than O(exchange_organization). Use V(false) only for
        endpoints that do not grant Get-OrganizationConfig.
    type: bool
    default: true
    vars:
      - name: ansible_exchange_verify_organization
  exchange_command_timeout:
    description:
      - The maximum time of one try of a call in seconds, from its first byte to its last page. Exchange itself ends
        cmdlets after 15 minutes.
      - After that time, no further try of the call begins.
    type: int
    default: 900
    vars:
      - name: ansible_exchange_command_timeout
  exchange_connect_timeout:
    description:
      - Seconds to wait for a network connection (not with O(exchange_transport=psrp)).
    type: int
    default: 30
    vars:
      - name: ansible_exchange_connect_timeout
  exchange_retries:
    description:
      - The total number of tries for calls that are safe to repeat. A write whose response was lost is not simply
        repeated.
      - Microsoft's module repeats calls by itself, also writes, up to six times. What it has repeated is not repeated
        once more.
    type: int
    default: 5
    vars:
      - name: ansible_exchange_retries
  exchange_read_reuse:
    description:
      - The number of seconds for which tasks of this run reuse what an earlier task read, unless a write in between may
        have changed it. With V(0) each task reads for itself.
      - The first task reads what all tasks may need, in one round trip. Changes by others are not visible during this
        time.
      - A task confirms a difference with a fresh read before it writes. Modules that return information, and the role,
        always read from Exchange.
    type: float
    default: 5
    vars:
      - name: ansible_exchange_read_reuse
  remote_addr:
    description:
      - The management host or Exchange server (O(exchange_transport=psrp)). This option and the ones below are the same
        as in P(ansible.builtin.psrp#connection).
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_psrp_host
  remote_user:
    description:
      - The user to log in as on O(remote_addr).
    type: str
    vars:
      - name: ansible_user
      - name: ansible_psrp_user
    keyword:
      - name: remote_user
  remote_password:
    description:
      - The password of O(remote_user).
    type: str
    vars:
      - name: ansible_password
      - name: ansible_winrm_pass
      - name: ansible_winrm_password
    aliases:
      - password
  port:
    description:
      - The port on O(remote_addr). By default 5986, or 5985 with O(protocol=http).
    type: int
    vars:
      - name: ansible_port
      - name: ansible_psrp_port
    keyword:
      - name: port
  protocol:
    description:
      - The protocol. By default V(https), unless O(port) is 5985.
    type: str
    choices: [http, https]
    vars:
      - name: ansible_psrp_protocol
  path:
    description:
      - The path of the endpoint. For Exchange on-premises it is V(PowerShell).
    type: str
    default: wsman
    vars:
      - name: ansible_psrp_path
  auth:
    description:
      - How the user is authenticated. V(negotiate) uses Kerberos if possible, and otherwise NTLM.
    type: str
    choices: [basic, certificate, negotiate, kerberos, ntlm, credssp]
    default: negotiate
    vars:
      - name: ansible_psrp_auth
  cert_validation:
    description:
      - Whether to validate the certificate of O(remote_addr).
    type: str
    choices: [validate, ignore]
    default: validate
    vars:
      - name: ansible_psrp_cert_validation
  ca_cert:
    description:
      - A PEM file with the certificate authorities to trust. Not used with O(cert_validation=ignore).
    type: path
    vars:
      - name: ansible_psrp_cert_trust_path
      - name: ansible_psrp_ca_cert
    aliases: [cert_trust_path]
  connection_timeout:
    description:
      - Seconds to wait for the connection.
    type: int
    default: 30
    vars:
      - name: ansible_psrp_connection_timeout
  read_timeout:
    description:
      - Seconds to wait for data. Must be greater than O(operation_timeout).
    type: int
    default: 30
    vars:
      - name: ansible_psrp_read_timeout
  reconnection_retries:
    description:
      - The number of times that pypsrp retries after a connection error, within one of the tries of
        O(exchange_retries).
    type: int
    default: 0
    vars:
      - name: ansible_psrp_reconnection_retries
  reconnection_backoff:
    description:
      - Seconds before the first of O(reconnection_retries). The time doubles with each retry.
    type: int
    default: 2
    vars:
      - name: ansible_psrp_connection_backoff
      - name: ansible_psrp_reconnection_backoff
  message_encryption:
    description:
      - Whether to encrypt the messages in addition to TLS. V(auto) encrypts them if there is no TLS.
    type: str
    choices: [auto, always, never]
    default: auto
    vars:
      - name: ansible_psrp_message_encryption
  proxy:
    description:
      - The proxy to O(remote_addr).
    type: str
    vars:
      - name: ansible_psrp_proxy
  ignore_proxy:
    description:
      - Whether to ignore a proxy that is set in environment variables.
    type: bool
    default: false
    vars:
      - name: ansible_psrp_ignore_proxy
  certificate_key_pem:
    description:
      - The key file for O(auth=certificate).
    type: path
    vars:
      - name: ansible_psrp_certificate_key_pem
  certificate_pem:
    description:
      - The certificate file for O(auth=certificate).
    type: path
    vars:
      - name: ansible_psrp_certificate_pem
  credssp_auth_mechanism:
    description:
      - The mechanism within CredSSP.
    type: str
    choices: [auto, kerberos, ntlm]
    default: auto
    vars:
      - name: ansible_psrp_credssp_auth_mechanism
  credssp_disable_tlsv1_2:
    description:
      - Whether to disable TLS 1.2 for CredSSP, for hosts that do not support it.
    type: bool
    default: false
    vars:
      - name: ansible_psrp_credssp_disable_tlsv1_2
  credssp_minimum_version:
    description:
      - The minimum CredSSP version of the server. V(5) refuses hosts without the fix for CVE-2018-0886.
    type: int
    default: 2
    vars:
      - name: ansible_psrp_credssp_minimum_version
  negotiate_delegate:
    description:
      - Whether to delegate the user's credential to the host (Kerberos).
    type: bool
    vars:
      - name: ansible_psrp_negotiate_delegate
  negotiate_hostname_override:
    description:
      - The host name for Kerberos, if it differs from O(remote_addr).
    type: str
    vars:
      - name: ansible_psrp_negotiate_hostname_override
  negotiate_send_cbt:
    description:
      - Whether to bind the authentication to the TLS channel.
    type: bool
    default: true
    vars:
      - name: ansible_psrp_negotiate_send_cbt
  negotiate_service:
    description:
      - The service part of the service principal name for Kerberos.
    type: str
    default: WSMAN
    vars:
      - name: ansible_psrp_negotiate_service
  operation_timeout:
    description:
      - Seconds for one WSMan operation. A cmdlet may take many of them.
    type: int
    default: 20
    vars:
      - name: ansible_psrp_operation_timeout
  max_envelope_size:
    description:
      - The maximum size of a WSMan message in bytes.
    type: int
    default: 153600
    vars:
      - name: ansible_psrp_max_envelope_size
  configuration_name:
    description:
      - The session configuration to connect to. For Exchange on-premises it is V(Microsoft.Exchange); for a JEA
        endpoint it is the endpoint's name.
    type: str
    default: Microsoft.PowerShell
    vars:
      - name: ansible_psrp_configuration_name
"""

import os
from collections.abc import Sequence
from typing import Any, NoReturn

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result, Session
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SessionDescription
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import visible
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.client import BrokerClient
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.hosts import is_initial_domain

display = Display()


class Connection(ConnectionBase):
    """An Exchange organization as a host: cmdlet calls in, results out."""

    transport = "m365.message_encryption.exchange"
    has_tty = False
    #: Makes Ansible pass ansible_exchange_* variables that are not options, so that they can be refused.
    allow_extras = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A worker gets the playbook's process id; in the playbook itself (meta: reset_connection) it is this process's.
        self._playbook = int(kwargs.get("ansible_playbook_pid") or os.getpid())
        self._client: BrokerClient | None = None
        self._built_from: tuple[dict[str, _identity.Option], list[str]] | None = None

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        """Sets the options, and refuses a value that one cannot have."""
        try:
            _identity.refuse_values(self.option_definitions, var_options or {}, os.environ)
        except OptionError as error:
            raise AnsibleError(str(error)) from None
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        """Runs the calls and gives one result for each; see ``Session`` in ``module_utils/_exchange/cmdlet.py``.

        :raises OptionError: the host's variables do not describe a valid connection.
        :raises UnreachableError: no session could be opened.
        """
        return self._broker().invoke(calls, fresh=fresh, reuse=float(self.get_option("exchange_read_reuse") or 0))

    def describe(self) -> SessionDescription:
        """Who is connected, and where. Opens the session if necessary, and reads the organization's name.

        :raises OptionError: the host's variables do not describe a valid connection.
        :raises UnreachableError: no session could be opened.
        """
        return self._broker().describe()

    def graph(self, *, mailboxes: bool = False) -> Session:
        """A session with Microsoft Graph, in this organization and with this credential.

        :param mailboxes: whether it is for mailboxes, and not for the message trace.
        :raises OptionError: the credential is none for Graph, or the cloud's Graph has no message trace.
        """
        client = self._broker()
        return client.over(_identity.of_graph(client.identity, mailboxes=mailboxes))

    def reset(self) -> None:
        """Ends this organization's session (meta: reset_connection); the next task opens another one."""
        self._broker().end_session()
        self.close()

    def close(self) -> None:
        """Closes the connection to the broker; the session stays open for the next tasks."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
        self._connected = False

    def exec_command(self, cmd: Any, in_data: Any = None, sudoable: bool = True) -> NoReturn:
        """Refuses: there is no machine to run a command on."""
        self._refuse()

    def put_file(self, in_path: Any, out_path: Any) -> NoReturn:
        """Refuses: there is no machine to copy a file to."""
        self._refuse()

    def fetch_file(self, in_path: Any, out_path: Any) -> NoReturn:
        """Refuses: there is no machine to fetch a file from."""
        self._refuse()

    def _connect(self) -> Connection:
        """Does nothing: the first call opens the session, so a task without calls opens none."""
        return self

    def _broker(self) -> BrokerClient:
        """The client for the organization that the options name now.

        Ansible keeps this object for all items of a loop and sets its options again for each item, so ``delegate_to``
        and a task's variables may lead each item to another organization.
        """
        options = {name: _identity.Option(*self.get_option_and_origin(name)) for name in self.option_definitions}
        if not options["exchange_organization"].is_set and is_initial_domain(self._play_context.remote_addr):
            # Not from inventory_hostname, which with delegate_to is the name of the delegating host.
            options["exchange_organization"] = _identity.Option(self._play_context.remote_addr, "inventory")
        asked = options, sorted(self._options.get("_extras", {}))
        if self._client is None or self._built_from != asked:
            self.close()
            self._client = BrokerClient(
                C.DEFAULT_LOCAL_TMP, self._playbook, _identity.build(*asked), self._say, self._tell, self._warn
            )
            self._built_from = asked
            self._connected = True
        return self._client

    def _say(self, line: str) -> None:
        display.vvv(f"EXCHANGE: {visible(line)}", host=self._name())

    def _tell(self, text: str) -> None:
        """Shows text at once, and only in the terminal: a sign-in code must not get into a log or redirected output."""
        for line in text.splitlines():
            display.display(visible(line), color=C.COLOR_HIGHLIGHT, stderr=True, screen_only=True)

    def _warn(self, line: str) -> None:
        display.warning(f"{self._name()}: {visible(line)}")

    def _name(self) -> str:
        """The organization, for people. Over PSRP the address is that of the management host, which is a machine."""
        return str(self.get_option("exchange_organization") or self._play_context.remote_addr)

    def _refuse(self) -> NoReturn:
        raise AnsibleError(
            f"{self._name()} is an Exchange organization, not a machine, so only modules of m365.message_encryption run there: "
            "add `delegate_to: localhost` to the task (and keep ansible_connection out of all:vars, because localhost would use it too), "
            "or `gather_facts: false` to the play. To test the connection, use "
            "m365.message_encryption.exchange_connection_info instead of ping."
        )
