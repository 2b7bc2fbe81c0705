// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
//
// Objects as Exchange on-premises answers with them: typed, nested, with collections and structures of its own. Names and shapes are those
// that remoting shows of them (type names in captured CLIXML and Microsoft's pages on the cmdlets); what they do is no more than to be serialized.

using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Linq;

namespace Microsoft.Exchange.Data
{
    public enum ObjectState { New, Unchanged, Changed, Deleted }

    public class MultiValuedProperty<T> : Collection<T>
    {
        public MultiValuedProperty(params T[] items) : base(new List<T>(items)) { }
        public bool Changed { get { return false; } }
        public bool IsReadOnly { get { return true; } }
        public override string ToString() { return string.Join(", ", this); }
    }

    public struct EnhancedTimeSpan
    {
        private readonly TimeSpan span;
        public EnhancedTimeSpan(TimeSpan span) { this.span = span; }
        public int Days { get { return span.Days; } }
        public long Ticks { get { return span.Ticks; } }
        public double TotalDays { get { return span.TotalDays; } }
        public override string ToString() { return span.ToString(); }
    }

    public struct ByteQuantifiedSize
    {
        private readonly ulong bytes;
        public ByteQuantifiedSize(ulong bytes) { this.bytes = bytes; }
        public ulong ToBytes() { return bytes; }
        public override string ToString()
        {
            ulong unit = bytes % (1 << 20) == 0 ? 1UL << 20 : bytes % (1 << 10) == 0 ? 1UL << 10 : 1UL;
            string name = unit == 1UL << 20 ? "MB" : unit == 1UL << 10 ? "KB" : "B";
            return string.Format(CultureInfo.InvariantCulture, "{0} {1} ({2:N0} bytes)", bytes / unit, name, bytes);
        }
    }

    public struct Unlimited<T>
    {
        private readonly bool isLimited;
        private readonly T value;
        public Unlimited(T value) { this.value = value; isLimited = true; }
        public bool IsUnlimited { get { return !isLimited; } }
        public T Value { get { if (!isLimited) throw new InvalidOperationException("The value is unlimited."); return value; } }
        public override string ToString() { return isLimited ? value.ToString() : "Unlimited"; }
    }

    public struct SmtpAddress
    {
        private readonly string address;
        public SmtpAddress(string address) { this.address = address; }
        public string Local { get { return address.Split('@')[0]; } }
        public string Domain { get { return address.Split('@')[1]; } }
        public int Length { get { return address.Length; } }
        public bool IsValidAddress { get { return true; } }
        public override string ToString() { return address; }
    }

    public class ExchangeBuild
    {
        public byte Major { get { return 15; } }
        public ushort Build { get { return 1507; } }
        public override string ToString() { return "15.1.1507.6"; }
    }

    public class ExchangeObjectVersion
    {
        public byte Major { get { return 0; } }
        public byte Minor { get { return 1; } }
        public ExchangeBuild ExchangeBuild { get { return new ExchangeBuild(); } }
        public override string ToString() { return "0.1 (8.0.535.0)"; }
    }
}

namespace Microsoft.Exchange.Data.Directory
{
    public class ADObjectId
    {
        private readonly string[] path;
        public ADObjectId(params string[] path) { this.path = path; ObjectGuid = new Guid("11111111-2222-3333-4444-555555555555"); }
        public string Name { get { return path[0]; } }
        public string DistinguishedName { get { return string.Join(",", path.Select(part => "CN=" + part)); } }
        public ADObjectId Parent { get { return path.Length > 1 ? new ADObjectId(path.Skip(1).ToArray()) : null; } }
        public Guid ObjectGuid { get; private set; }
        public bool IsDeleted { get { return false; } }
        public override string ToString() { return Name; }
    }

    public class OrganizationId
    {
        private readonly string text;
        public OrganizationId(string text) { this.text = text; }
        public ADObjectId OrganizationalUnit { get { return text == "" ? null : new ADObjectId(text, "Microsoft Exchange Hosted Organizations"); } }
        public ADObjectId ConfigurationUnit { get { return text == "" ? null : new ADObjectId("Configuration", text); } }
        public override string ToString() { return text; }
    }
}

namespace Microsoft.Exchange.Data.Directory.SystemConfiguration
{
    public enum DeviceAccessLevel { Allow, Block, Quarantine }
    public enum TransportDecryptionSetting { Disabled, Optional, Mandatory }
}

namespace Microsoft.Exchange.MessagingPolicies.Rules
{
    public enum RuleState { Disabled, Enabled }
    public enum RuleMode { Audit, AuditAndNotify, Enforce }
    public enum RuleErrorAction { Ignore, Defer }
}

namespace Microsoft.Exchange.MessagingPolicies.Rules.Tasks
{
    using Microsoft.Exchange.Data;
    using Microsoft.Exchange.Data.Directory;

    public enum FromUserScope { InOrganization, NotInOrganization }
    public enum DisclaimerLocation { Append, Prepend }
    public enum DisclaimerFallbackAction { Wrap, Ignore, Reject }
    public enum SenderAddressLocation : byte { Header = 1, Envelope, HeaderOrEnvelope }

    public struct Word
    {
        private readonly string text;
        public Word(string text) { this.text = text; }
        public string Value { get { return text; } }
        public override string ToString() { return text; }
    }

    public struct SclValue
    {
        private readonly int value;
        public SclValue(int value) { this.value = value; }
        public override string ToString() { return value.ToString(CultureInfo.InvariantCulture); }
    }

    public class RecipientIdParameter
    {
        private readonly string address;
        public RecipientIdParameter(string address) { this.address = address; }
        public string RawIdentity { get { return address; } }
        public override string ToString() { return address; }
    }

    public class RmsTemplateIdentity
    {
        public Guid TemplateId { get { return new Guid("c026002d-0000-0000-0000-000000000000"); } }
        public string TemplateName { get { return "Encrypt"; } }
        public override string ToString() { return TemplateName; }
    }

    public class TransportRulePredicate { public string Name { get { return GetType().Name; } } public int Rank { get; set; } }
    public class FromScopePredicate : TransportRulePredicate { public FromUserScope Scope { get { return FromUserScope.InOrganization; } } }
    public class SubjectContainsPredicate : TransportRulePredicate { public Word[] Words { get { return new[] { new Word("secret") }; } } }
    public class TransportRuleAction { public string Name { get { return GetType().Name; } } }
    public class RightsProtectMessageAction : TransportRuleAction { public RmsTemplateIdentity Template { get { return new RmsTemplateIdentity(); } } }

    public class RuleDescription
    {
        public List<string> ConditionDescriptions { get { return new List<string> { "the sender is located 'InOrganization'" }; } }
        public List<string> ExceptionDescriptions { get { return new List<string>(); } }
        public override string ToString() { return "If the message: ..."; }
    }

    public class Rule
    {
        public int Priority { get { return 0; } }
        public string Comments { get { return "line one\r\nline two _x0041_ it\u2019s"; } }
        public bool ManuallyModified { get { return false; } }
        public DateTime? ActivationDate { get { return new DateTime(2030, 1, 31, 8, 0, 0, DateTimeKind.Utc); } }
        public DateTime? ExpiryDate { get { return null; } }
        public RuleDescription Description { get { return new RuleDescription(); } }
        public Version RuleVersion { get { return new Version(14, 0, 0, 0); } }
        public uint? Size { get { return 412; } }
        public TransportRulePredicate[] Conditions { get { return new TransportRulePredicate[] { new FromScopePredicate(), new SubjectContainsPredicate() }; } }
        public TransportRulePredicate[] Exceptions { get { return null; } }
        public TransportRuleAction[] Actions { get { return new TransportRuleAction[] { new RightsProtectMessageAction() }; } }
        public RuleState State { get { return RuleState.Enabled; } }
        public RuleMode Mode { get { return RuleMode.Enforce; } }
        public RuleErrorAction RuleErrorAction { get { return RuleErrorAction.Defer; } }
        public SenderAddressLocation SenderAddressLocation { get { return SenderAddressLocation.HeaderOrEnvelope; } }
        public bool IsRuleConfigurationSupported { get { return true; } }
        public bool UseLegacyRegex { get { return false; } }
        public FromUserScope? FromScope { get { return FromUserScope.InOrganization; } }
        public FromUserScope? SentToScope { get { return null; } }
        public RecipientIdParameter[] From { get { return new[] { new RecipientIdParameter("a@contoso.com") }; } }
        public RecipientIdParameter[] SentTo { get { return new RecipientIdParameter[0]; } }
        public Word[] SubjectContainsWords { get { return new[] { new Word("secret"), new Word("yes"), new Word("5") }; } }
        public MultiValuedProperty<Word> SubjectOrBodyContainsWords { get { return new MultiValuedProperty<Word>(new Word("alone")); } }
        public MultiValuedProperty<string> RecipientDomainIs { get { return new MultiValuedProperty<string>("fabrikam.com", "contoso.com"); } }
        public MultiValuedProperty<string> SenderDomainIs { get { return new MultiValuedProperty<string>(); } }
        public string[] HeaderContainsWords { get { return null; } }
        public Word[] ExceptIfSubjectContainsWords { get { return new[] { new Word("") }; } }
        public string[] ExceptIfSenderDomainIs { get { return new string[] { null, "contoso.com" }; } }
        public ByteQuantifiedSize? MessageSizeOver { get { return new ByteQuantifiedSize(10UL << 20); } }
        public Unlimited<ByteQuantifiedSize> AttachmentSizeOver { get { return new Unlimited<ByteQuantifiedSize>(new ByteQuantifiedSize(1536)); } }
        public SclValue? SCLOver { get { return new SclValue(-1); } }
        public bool HasNoClassification { get { return false; } }
        public RmsTemplateIdentity ApplyRightsProtectionTemplate { get { return new RmsTemplateIdentity(); } }
        public DisclaimerLocation? ApplyHtmlDisclaimerLocation { get { return DisclaimerLocation.Append; } }
        public DisclaimerFallbackAction? ApplyHtmlDisclaimerFallbackAction { get { return DisclaimerFallbackAction.Wrap; } }
        public string ApplyHtmlDisclaimerText { get { return "<p>&amp;</p>"; } }
        public bool StopRuleProcessing { get { return true; } }
        public ADObjectId Identity { get { return new ADObjectId("r", "TransportVersioned", "Rules"); } }
        public Guid Guid { get { return new Guid("AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE"); } }
        public Guid ImmutableId { get { return Guid; } }
        public OrganizationId OrganizationId { get { return new OrganizationId(""); } }
        public ExchangeObjectVersion ExchangeVersion { get { return new ExchangeObjectVersion(); } }
        public string Name { get { return "r"; } }
        public bool IsValid { get { return true; } }
        public DateTime? WhenChanged { get { return new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc); } }
        public ObjectState ObjectState { get { return ObjectState.Unchanged; } }
    }
}

namespace Microsoft.Exchange.Data.Directory.Management
{
    using Microsoft.Exchange.Data;
    using Microsoft.Exchange.Data.Directory.SystemConfiguration;

    public class IRMConfiguration
    {
        public string Name { get { return "ControlPoint Configuration"; } }
        public ADObjectId Identity { get { return new ADObjectId("ControlPoint Configuration", "Transport Settings"); } }
        public bool InternalLicensingEnabled { get { return true; } }
        public bool? SearchEnabled { get { return null; } }
        public TransportDecryptionSetting TransportDecryptionSetting { get { return TransportDecryptionSetting.Mandatory; } }
        public Uri ServiceLocation { get { return null; } }
        public MultiValuedProperty<Uri> LicensingLocation
        {
            get { return new MultiValuedProperty<Uri>(new Uri("https://a.example.com/_wmcs/licensing"), new Uri("https://b.example.com/_wmcs/licensing")); }
        }
        public ExchangeObjectVersion ExchangeVersion { get { return new ExchangeObjectVersion(); } }
        public ObjectState ObjectState { get { return ObjectState.Unchanged; } }
    }

    public class ActiveSyncOrganizationSettings
    {
        public string Name { get { return "Mobile Mailbox Settings"; } }
        public ADObjectId Identity { get { return new ADObjectId("Mobile Mailbox Settings"); } }
        public DeviceAccessLevel DefaultAccessLevel { get { return DeviceAccessLevel.Quarantine; } }
        public bool AllowAccessForUnSupportedPlatform { get { return false; } }
        public MultiValuedProperty<SmtpAddress> AdminMailRecipients
        {
            get { return new MultiValuedProperty<SmtpAddress>(new SmtpAddress("b@contoso.com"), new SmtpAddress("a@contoso.com")); }
        }
        public MultiValuedProperty<string> OtherWellKnownObjects { get { return new MultiValuedProperty<string>(); } }
        public string UserMailInsert { get { return null; } }
    }

    public class OrganizationConfig
    {
        public string Name { get { return "First Organization"; } }
        public string DisplayName { get { return ""; } }
        public ADObjectId Identity { get { return new ADObjectId("First Organization"); } }
        public Guid Guid { get { return new Guid("99999999-8888-7777-6666-555555555555"); } }
        public OrganizationId OrganizationId { get { return new OrganizationId(""); } }
        public bool IsDehydrated { get { return false; } }
        public EnhancedTimeSpan? ActivityBasedAuthenticationTimeoutInterval { get { return new EnhancedTimeSpan(new TimeSpan(14, 6, 0, 0)); } }
        public Unlimited<int> MaxConcurrentMigrations { get { return new Unlimited<int>(); } }
    }

    public class TransportConfigContainer
    {
        public Unlimited<ByteQuantifiedSize> MaxReceiveSize { get { return new Unlimited<ByteQuantifiedSize>(); } }
        public ByteQuantifiedSize TransportRuleSizeLimit { get { return new ByteQuantifiedSize(8192); } }
        public int TransportRuleLimit { get { return 300; } }
        public EnhancedTimeSpan SafetyNetHoldTime { get { return new EnhancedTimeSpan(TimeSpan.FromDays(2)); } }
        public byte[] Logo { get { return new byte[] { 137, 80, 78, 71, 0, 255 }; } }
        public byte[] NoLogo { get { return new byte[0]; } }
    }
}
