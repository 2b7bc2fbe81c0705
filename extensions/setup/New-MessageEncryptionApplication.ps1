# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# Requires PowerShell 7.4, Microsoft.Graph.Authentication, Microsoft.Graph.Applications and ExchangeOnlineManagement.
<#
.SYNOPSIS
Prepares organizations for m365.message_encryption: application, certificate, consent, and an Exchange role group with the minimum roles.

.DESCRIPTION
Asks you to sign in to Microsoft Entra and to Exchange Online for each organization. Each step first checks whether it is already
done, so if you run the script again, it adds what is missing and changes nothing else. -WhatIf shows the steps without doing them.

  1. a certificate: key and certificate in a PEM file that only you can read
  2. the application in Microsoft Entra, with the certificate's public part and the permission Exchange.ManageAsApp
  3. its enterprise application (service principal) in the organization
  4. admin consent to that permission
  5. Exchange's service principal, which refers to the enterprise application
  6. an Exchange role group with the roles that the collection needs, and the application as its member

At the end it prints an inventory for these organizations. PowerShell's parser has checked the script, and each cmdlet's parameters are those of
Microsoft's reference pages. UNVERIFIED, because only a tenant can show it: that steps 2 to 6 work as a whole, that Connect-MgGraph takes
an initial domain as -TenantId, that Update-MgApplication keeps certificates that are sent back as they were read, and that a GDAP
relationship is enough for steps 3 to 6 in a customer's organization.

.PARAMETER Organization
The initial domains of the organizations to prepare, such as contoso.onmicrosoft.com. More than one requires -Provider.

.PARAMETER Provider
For service providers: the initial domain of your own organization. The script creates one multitenant application there, and an
enterprise application, consent and role group in each customer's organization. You sign in with your own account, which needs GDAP
roles in the customers' organizations: Exchange Administrator, and Privileged Role Administrator to consent.

.PARAMETER Audit
Grants only roles that can read.

.PARAMETER EnableCustomization
Allows Enable-OrganizationCustomization, which every new organization needs before you can create a role group. It cannot be undone, and
takes Exchange some time.

.PARAMETER Name
The name of the application and of the role group.

.PARAMETER CertificatePath
The PEM file with the key and the certificate. The script creates it if it does not exist.

.PARAMETER CertificateDays
The number of days for which a new certificate is valid.

.EXAMPLE
./New-MessageEncryptionApplication.ps1 -Organization contoso.onmicrosoft.com -CertificatePath ./exchange.pem -WhatIf

.EXAMPLE
./New-MessageEncryptionApplication.ps1 -Provider provider.onmicrosoft.com -Organization contoso.onmicrosoft.com, fabrikam.onmicrosoft.com `
    -CertificatePath ./exchange.pem
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
param(
    [Parameter(Mandatory)] [ValidatePattern('^[A-Za-z0-9-]+\.(onmicrosoft\.(com|us)|partner\.onmschina\.cn)$')] [string[]] $Organization,
    [ValidatePattern('^[A-Za-z0-9-]+\.(onmicrosoft\.(com|us)|partner\.onmschina\.cn)$')] [string] $Provider,
    [switch] $Audit,
    [switch] $EnableCustomization,
    [ValidatePattern('^[A-Za-z0-9 ._-]{1,64}$')] [string] $Name = 'Ansible message encryption',
    [Parameter(Mandatory)] [string] $CertificatePath,
    [ValidateRange(1, 730)] [int] $CertificateDays = 365
)
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

# Microsoft's ids, which are the same in every organization: the application Office 365 Exchange Online, and its permission Exchange.ManageAsApp.
$exchangeAppId = '00000002-0000-0ff1-ce00-000000000000'
$manageAsApp = 'dc50a0fb-09a3-484d-be87-e023b12c6440'
$readRoles = @('View-Only Configuration', 'View-Only Recipients')
$writeRoles = @('Information Rights Management', 'Organization Client Access', 'Recipient Policies', 'Transport Rules')

if ($Organization.Count -gt 1 -and -not $Provider) { throw 'More than one organization requires -Provider, the organization that owns the application.' }
foreach ($module in 'Microsoft.Graph.Authentication', 'Microsoft.Graph.Applications', 'ExchangeOnlineManagement') {
    if (-not (Get-Module -ListAvailable -Name $module)) { throw "The module $module is not installed. Run: Install-Module $module -Scope CurrentUser" }
}

function Get-PublicCertificate {
    # The certificate in the PEM file, without its key. Creates the file if it does not exist.
    param([string] $Path)
    if (-not (Test-Path -LiteralPath $Path)) {
        if (-not $PSCmdlet.ShouldProcess($Path, 'Create a key and a certificate')) { return $null }
        $key = [System.Security.Cryptography.RSA]::Create(3072)
        $subject = "CN=$Name"
        $hash, $padding = [System.Security.Cryptography.HashAlgorithmName]::SHA256, [System.Security.Cryptography.RSASignaturePadding]::Pkcs1
        $request = [System.Security.Cryptography.X509Certificates.CertificateRequest]::new($subject, $key, $hash, $padding)
        $now = [System.DateTimeOffset]::UtcNow
        $made = $request.CreateSelfSigned($now.AddMinutes(-5), $now.AddDays($CertificateDays))
        # Created so that nobody else can ever read the file.
        $options = [System.IO.FileStreamOptions]::new()
        $options.Mode, $options.Access = [System.IO.FileMode]::CreateNew, [System.IO.FileAccess]::Write
        if (-not $IsWindows) { $options.UnixCreateMode = [System.IO.UnixFileMode] 'UserRead, UserWrite' }
        $writer = [System.IO.StreamWriter]::new([System.IO.Path]::GetFullPath($Path, (Get-Location).ProviderPath), $options)
        try { $writer.Write($key.ExportPkcs8PrivateKeyPem() + "`n" + $made.ExportCertificatePem() + "`n") } finally { $writer.Dispose() }
    }
    [System.Security.Cryptography.X509Certificates.X509Certificate2]::CreateFromPem((Get-Content -LiteralPath $Path -Raw))
}

function Get-Application {
    # The application, with the certificate. Creates what is missing.
    param($Certificate)
    $found = @(Get-MgApplication -Filter "displayName eq '$Name'" -All)
    if ($found.Count -gt 1) { throw "There are $($found.Count) applications named '$Name'. Choose another -Name." }
    $credential = @{ Type = 'AsymmetricX509Cert'; Usage = 'Verify'; DisplayName = "CN=$Name"; Key = if ($Certificate) { $Certificate.RawData } }
    if ($found.Count -eq 0) {
        if (-not $PSCmdlet.ShouldProcess($Name, 'Register the application, with the permission Exchange.ManageAsApp')) { return $null }
        $access = @{ ResourceAppId = $exchangeAppId; ResourceAccess = @(@{ Id = $manageAsApp; Type = 'Role' }) }
        $audience = if ($Provider) { 'AzureADMultipleOrgs' } else { 'AzureADMyOrg' }
        return New-MgApplication -DisplayName $Name -SignInAudience $audience -RequiredResourceAccess @($access) -KeyCredentials @($credential)
    }
    $application = $found[0]
    # An update replaces all certificates, and Entra returns them whole only where one application is read with them selected.
    $kept = @((Get-MgApplication -ApplicationId $application.Id -Property 'keyCredentials').KeyCredentials | Where-Object { $_ })
    if ($kept | Where-Object { -not $_.Key }) { throw "Entra does not show the certificates of '$Name', so adding one would lose them. Add it in the portal." }
    $known = @($kept | ForEach-Object { [System.Convert]::ToHexString($_.Key) })
    if ($Certificate -and [System.Convert]::ToHexString($Certificate.RawData) -notin $known -and $PSCmdlet.ShouldProcess($Name, 'Add the certificate')) {
        Update-MgApplication -ApplicationId $application.Id -KeyCredentials ($kept + $credential)
    }
    $application
}

function Get-EnterpriseApplication {
    # The enterprise application in the connected organization, with consent. Creates what is missing.
    param([string] $AppId, [string] $Where)
    $principal = Get-MgServicePrincipal -Filter "appId eq '$AppId'"
    if (-not $principal) {
        if (-not $PSCmdlet.ShouldProcess($Where, 'Create the enterprise application')) { return $null }
        $principal = New-MgServicePrincipal -AppId $AppId
    }
    $exchange = Get-MgServicePrincipal -Filter "appId eq '$exchangeAppId'"
    if (-not $exchange) { throw "$Where does not have Exchange Online. It needs a license first." }
    $granted = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $principal.Id -All | Where-Object { "$($_.AppRoleId)" -eq $manageAsApp })
    if ($granted.Count -eq 0 -and $PSCmdlet.ShouldProcess($Where, 'Consent to Exchange.ManageAsApp')) {
        $null = New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $principal.Id -PrincipalId $principal.Id -ResourceId $exchange.Id -AppRoleId $manageAsApp
    }
    $principal
}

function Set-RoleGroup {
    # The role group in the connected Exchange organization, with the application as its member. Creates what is missing.
    param($Principal, [string] $Where)
    # Exchange may return all objects for an unknown identity, so compare names and ids here.
    if (-not (Get-ServicePrincipal | Where-Object { "$($_.AppId)" -eq $Principal.AppId }) -and $PSCmdlet.ShouldProcess($Where, 'Register the application in Exchange')) {
        $null = New-ServicePrincipal -AppId $Principal.AppId -ObjectId $Principal.Id -DisplayName $Name
    }
    if (-not (Get-RoleGroup | Where-Object { $_.Name -eq $Name })) {
        if ((Get-OrganizationConfig).IsDehydrated) {
            if (-not $EnableCustomization) {
                throw "$Where cannot have a role group before Enable-OrganizationCustomization, which cannot be undone. Run the script again with -EnableCustomization."
            }
            if ($PSCmdlet.ShouldProcess($Where, 'Enable-OrganizationCustomization, which cannot be undone')) { Enable-OrganizationCustomization }
        }
        $roles = if ($Audit) { $readRoles } else { $readRoles + $writeRoles }
        if (-not $PSCmdlet.ShouldProcess($Where, "Create the role group '$Name' with: $($roles -join ', ')")) { return }
        $null = New-RoleGroup -Name $Name -Roles $roles -Description 'The roles that m365.message_encryption needs.'
    }
    $members = @(Get-RoleGroupMember -Identity $Name | ForEach-Object { "$($_.Name)", "$($_.Guid)", "$($_.ExternalDirectoryObjectId)" })
    if ($Principal.Id -notin $members -and $Name -notin $members -and $PSCmdlet.ShouldProcess($Where, "Add the application to the role group '$Name'")) {
        Add-RoleGroupMember -Identity $Name -Member $Principal.Id
    }
}

$certificate = Get-PublicCertificate -Path $CertificatePath
$scopes = 'Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All'
$owner = if ($Provider) { $Provider } else { $Organization[0] }
Connect-MgGraph -TenantId $owner -Scopes $scopes -NoWelcome
$application = Get-Application -Certificate $certificate
foreach ($each in $Organization) {
    if (-not $application) { Write-Warning "$each`: the steps after the application are not shown, because they require it."; continue }
    if ($Provider) { Connect-MgGraph -TenantId $each -Scopes $scopes -NoWelcome }
    $principal = Get-EnterpriseApplication -AppId $application.AppId -Where $each
    if (-not $principal) { Write-Warning "$each`: the steps after the enterprise application are not shown, because they require it."; continue }
    $session = if ($Provider) { @{ DelegatedOrganization = $each } } else { @{} }
    Connect-ExchangeOnline @session -ShowBanner:$false
    try { Set-RoleGroup -Principal $principal -Where $each } finally { Disconnect-ExchangeOnline -Confirm:$false }
}
$null = Disconnect-MgGraph

if ($application) {
    '# inventory.yml. New roles take effect after some minutes, sometimes an hour.'
    'exchange_organizations:'
    '  hosts:'
    $Organization | ForEach-Object { "    $_`:" }
    '  vars:'
    '    ansible_connection: m365.message_encryption.exchange'
    "    ansible_exchange_client_id: $($application.AppId)"
    "    ansible_exchange_certificate_path: $((Resolve-Path -LiteralPath $CertificatePath).ProviderPath)"
}
