# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
<#
.SYNOPSIS
Registers a constrained endpoint for one Exchange Online organization on a Windows management host.

.DESCRIPTION
Copies the session configuration and the start-up script of a variant, writes the connection settings to settings.psd1, and registers
the session configuration for one group. Sessions run under a virtual account of the host, so the certificate must be in the
machine's store. WinRM restarts, which ends open sessions. If you run the script again, it replaces the endpoint.

.PARAMETER Variant
Audit: sessions can only read. Baseline: sessions can do everything that the collection needs.

.PARAMETER Organization
The organization's initial domain, such as contoso.onmicrosoft.com.

.PARAMETER AppId
The application (client) id. With -ManagedIdentity, the client id of a user-assigned identity, if it is one.

.PARAMETER CertificateThumbprint
The thumbprint of the application's certificate, which is in Cert:\LocalMachine\My with its private key.

.PARAMETER ManagedIdentity
Uses the host's managed identity instead of an application with a certificate.

.PARAMETER ExchangeEnvironmentName
The cloud, if it is not Microsoft's worldwide one.

.PARAMETER Group
The group or user that may open sessions, as DOMAIN\Name or as a SID.

.PARAMETER Name
The name of the session configuration, if a host serves more than one organization. Set ansible_psrp_configuration_name to it.

.EXAMPLE
.\Register-MessageEncryptionEndpoint.ps1 -Variant Baseline -Organization contoso.onmicrosoft.com -AppId 0b6f2f34-2f2c-4a2a-8d0d-3f1d3c5a7e11 `
    -CertificateThumbprint 3F2A8B1C9D4E5F60718293A4B5C6D7E8F9011223 -Group 'CONTOSO\Message Encryption Automation'
#>
[CmdletBinding(DefaultParameterSetName = 'Certificate')]
param(
    [Parameter(Mandatory)] [ValidateSet('Audit', 'Baseline')] [string] $Variant,
    [Parameter(Mandatory)] [ValidatePattern('^[A-Za-z0-9.-]+$')] [string] $Organization,
    [Parameter(Mandatory, ParameterSetName = 'Certificate')] [Parameter(ParameterSetName = 'ManagedIdentity')] [guid] $AppId,
    [Parameter(Mandatory, ParameterSetName = 'Certificate')] [ValidatePattern('^[0-9A-Fa-f]{40}$')] [string] $CertificateThumbprint,
    [Parameter(Mandatory, ParameterSetName = 'ManagedIdentity')] [switch] $ManagedIdentity,
    [ValidateSet('O365Default', 'O365China', 'O365USGovGCCHigh', 'O365USGovDoD')] [string] $ExchangeEnvironmentName = 'O365Default',
    [Parameter(Mandatory)] [string] $Group,
    [ValidatePattern('^[A-Za-z0-9._-]+$')] [string] $Name = "MessageEncryption.$Variant"
)
$ErrorActionPreference = 'Stop'

$module = Get-Module -ListAvailable -Name ExchangeOnlineManagement | Sort-Object -Property Version -Descending | Select-Object -First 1
if (-not $module) { throw 'The module ExchangeOnlineManagement is not installed for all users. Run: Install-Module ExchangeOnlineManagement -Scope AllUsers' }

$sid = if ($Group -match '^S-1-') { $Group } else { ([System.Security.Principal.NTAccount]$Group).Translate([System.Security.Principal.SecurityIdentifier]).Value }

# Only administrators and the system can change what runs in these sessions.
$directory = Join-Path $env:ProgramData "MessageEncryption\$Name"
$null = New-Item -ItemType Directory -Path $directory -Force
if (Get-Command -Name icacls.exe -ErrorAction Ignore) {
    $null = icacls.exe $directory /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F'
    if ($LASTEXITCODE) { throw "The access rights of $directory could not be set." }
}

$start = Join-Path $directory "Start-$Variant.ps1"
Copy-Item -LiteralPath (Join-Path $PSScriptRoot "Start-$Variant.ps1") -Destination $start -Force
$settings = [ordered]@{ Organization = $Organization }
if ($ExchangeEnvironmentName -ne 'O365Default') { $settings.ExchangeEnvironmentName = $ExchangeEnvironmentName }
if ($PSBoundParameters.ContainsKey('AppId')) { $settings.AppId = $AppId.ToString() }
if ($ManagedIdentity) { $settings.ManagedIdentity = 'true' } else {
    $settings.CertificateThumbprint = $CertificateThumbprint.ToUpperInvariant()
    $settings.CertificateStore = 'LocalMachine'
}
# The parameters are validated above, so no value contains a quote.
$lines = @('@{') + @($settings.GetEnumerator() | ForEach-Object { "    $($_.Key) = '$($_.Value)'" }) + '}'
Set-Content -LiteralPath (Join-Path $directory 'settings.psd1') -Value $lines -Encoding ascii

$given = Get-Content -LiteralPath (Join-Path $PSScriptRoot "MessageEncryption.$Variant.pssc")
$configuration = Join-Path $directory "$Name.pssc"
$given -replace '^(\s*ScriptsToProcess\s*=).*', "`$1 '$($start.Replace("'", "''"))'" | Set-Content -LiteralPath $configuration -Encoding utf8
if (-not (Test-PSSessionConfigurationFile -Path $configuration)) { throw "$configuration is not a valid session configuration for this version of PowerShell." }

# The system is the owner. Only members of the group may open sessions.
$descriptor = "O:NSG:BAD:P(A;;GA;;;$sid)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)"
if (Get-PSSessionConfiguration -Name $Name -ErrorAction Ignore) { Unregister-PSSessionConfiguration -Name $Name -Force }
Register-PSSessionConfiguration -Name $Name -Path $configuration -SecurityDescriptorSddl $descriptor -Force
