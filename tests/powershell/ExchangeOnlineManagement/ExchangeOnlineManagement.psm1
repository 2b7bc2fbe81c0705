# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# A stand-in for Microsoft's module ExchangeOnlineManagement: the tests' emulator is its service. It shows to a session what
# the real one shows: Connect-ExchangeOnline, and Connect-IPPSSession for the compliance endpoint, make a module tmpEXO_...
# whose functions have the parameters and types of the live module, what the service refuses comes as a non-terminating error of Write-ErrorMessage, what it warns of as a warning.
# What the functions make of the service's answers is in Proxies.ps1.
# EMULATOR_MODULE_SERVICE is the address of the console that belongs to this process.

Set-StrictMode -Version 3.0

$script:Client = [System.Net.Http.HttpClient]::new()
$script:Client.Timeout = [System.Threading.Timeout]::InfiniteTimeSpan
# The service of a connection to what Get-ConnectionInformation shows of it, and to the name of its module.
$script:Connections = [ordered]@{}
$script:Commands = @{}

. "$PSScriptRoot/Proxies.ps1"

function ConvertTo-TypedValue {
    # JSON has fewer types than PowerShell: what it lacks is tagged.
    param([AllowNull()] $Value)
    if ($null -eq $Value) { return $null }
    if ($Value -is [switch]) { return $Value.IsPresent }
    if ($Value -is [securestring]) { return [System.Net.NetworkCredential]::new('', $Value).Password }
    if ($Value -is [System.Security.Cryptography.X509Certificates.X509Certificate2]) { return $Value.Thumbprint }
    if ($Value -is [bool] -or $Value -is [string] -or ($Value -is [ValueType] -and $Value.GetType().IsPrimitive -and $Value -isnot [char])) { return $Value }
    if ($Value -is [byte[]]) { return @{ '$bytes' = [System.Convert]::ToBase64String($Value) } }
    if ($Value -is [datetime]) { return @{ '$datetime' = $Value.ToString('o', [cultureinfo]::InvariantCulture) } }
    if ($Value -is [System.Collections.IDictionary]) {
        $table = [ordered]@{}
        foreach ($key in $Value.Keys) { $table[[string]$key] = ConvertTo-TypedValue $Value[$key] }
        return @{ '$hashtable' = $table }
    }
    if ($Value -is [System.Collections.IEnumerable]) {
        $list = [System.Collections.Generic.List[object]]::new()
        foreach ($item in $Value) { $list.Add((ConvertTo-TypedValue $item)) }
        return , $list.ToArray()
    }
    return [string]$Value
}

function Send-Request {
    param([string] $Path, [System.Collections.IDictionary] $Parameters, [System.Collections.IDictionary] $More = @{})
    $typed = [ordered]@{}
    foreach ($name in $Parameters.Keys) { $typed[$name] = ConvertTo-TypedValue $Parameters[$name] }
    $body = ConvertTo-Json -InputObject ($More + @{ parameters = $typed }) -Depth 20 -Compress -EscapeHandling EscapeNonAscii
    $content = [System.Net.Http.StringContent]::new($body, [System.Text.Encoding]::UTF8, 'application/json')
    $sent = $script:Client.PostAsync("$env:EMULATOR_MODULE_SERVICE/$Path", $content)
    # A wait that can be interrupted: a pipeline that is told to stop must not wait for the service.
    while (-not $sent.Wait(50)) { }
    return $sent.Result
}

function Send-Call {
    # A call of a function of the temporary module, for Proxies.ps1.
    param([string] $Name, [System.Collections.IDictionary] $Bound, [bool] $Confirmed, [string] $Id, [string] $Page)
    return Send-Request -Path 'invoke' -Parameters $Bound -More @{ cmdlet = $Name; confirmed = $Confirmed }
}

function Connect-ExchangeOnline {
    [CmdletBinding()]
    param(
        [string] $ConnectionUri,
        [string] $AzureADAuthorizationEndpointUri,
        [ValidateSet('O365Default', 'O365GermanyCloud', 'O365China', 'O365USGovDoD', 'O365USGovGCCHigh')]
        [string] $ExchangeEnvironmentName,
        [System.Management.Automation.Remoting.PSSessionOption] $PSSessionOption,
        [string] $DelegatedOrganization,
        [string] $Prefix,
        [string[]] $CommandName,
        [string[]] $FormatTypeName,
        [string] $AccessToken,
        [string] $AppId,
        [switch] $BypassMailboxAnchoring,
        [System.Security.Cryptography.X509Certificates.X509Certificate2] $Certificate,
        [string] $CertificateFilePath,
        [securestring] $CertificatePassword,
        [string] $CertificateThumbprint,
        [pscredential] $Credential,
        [switch] $Device,
        [switch] $DisableWAM,
        [switch] $EnableErrorReporting,
        [switch] $InlineCredential,
        [string] $LogDirectoryPath,
        [string] $LogLevel,
        [switch] $ManagedIdentity,
        [string] $ManagedIdentityAccountId,
        [string] $Organization,
        [int] $PageSize,
        [bool] $ShowBanner = $true,
        [switch] $SkipLoadingCmdletHelp,
        [switch] $LoadCmdletHelp,
        [switch] $SkipLoadingFormatData,
        [bool] $TrackPerformance,
        [switch] $UseMultithreading,
        [string] $UserPrincipalName,
        [switch] $UseRPSSession
    )
    Add-Connection 'connect' $PSBoundParameters
}

function Connect-IPPSSession {
    [CmdletBinding()]
    param(
        [string] $ConnectionUri,
        [string] $AzureADAuthorizationEndpointUri,
        [string] $DelegatedOrganization,
        [System.Management.Automation.Remoting.PSSessionOption] $PSSessionOption,
        [string] $Prefix,
        [string[]] $CommandName,
        [string[]] $FormatTypeName,
        [string] $AccessToken,
        [string] $AppId,
        [switch] $BypassMailboxAnchoring,
        [System.Security.Cryptography.X509Certificates.X509Certificate2] $Certificate,
        [string] $CertificateFilePath,
        [securestring] $CertificatePassword,
        [string] $CertificateThumbprint,
        [pscredential] $Credential,
        [switch] $DisableWAM,
        [switch] $EnableErrorReporting,
        [switch] $EnableSearchOnlySession,
        [string] $LogDirectoryPath,
        [string] $LogLevel,
        [string] $Organization,
        [switch] $ShowBanner,
        [string] $UserPrincipalName,
        [switch] $UseRPSSession
    )
    Add-Connection 'connect-compliance' $PSBoundParameters
}

function Add-Connection {
    param([string] $Service, [System.Collections.IDictionary] $Parameters)
    $answer = Receive-Module $Service $Parameters
    Remove-Connection $Service
    $script:Connections[$Service] = $answer.connection
    $directory = [System.IO.Directory]::CreateTempSubdirectory()
    try {
        $file = Join-Path $directory.FullName "$($answer.module).psm1"
        Set-Content -LiteralPath $file -Value $answer.script
        Import-Module $file -Global -DisableNameChecking -ArgumentList ${function:Invoke-ExchangeCommand}
    } finally {
        $directory.Delete($true)
    }
    $script:Commands[$Service] = $answer.module
}

function Receive-Module {
    # The temporary module that the service has for the caller. Each kind of failure has the exception that the real module shows.
    param([string] $Service, [System.Collections.IDictionary] $Parameters)
    $response = Send-Request -Path $Service -Parameters $Parameters
    $text = $response.Content.ReadAsStringAsync().GetAwaiter().GetResult()
    $status = [int] $response.StatusCode
    if (-not $text.Trim([char] 0)) {
        if ($status -eq 401) { throw [System.UnauthorizedAccessException]::new('UnAuthorized') }
        throw 'Module could not be correctly formed. Please run Connect-ExchangeOnline again.'
    }
    # The body counts before the status: a page is no JSON, whatever its status.
    try { $null = [Newtonsoft.Json.Linq.JToken]::Parse($text) } catch { throw $_.Exception.InnerException }
    $answer = ConvertFrom-Json -InputObject $text -AsHashtable
    if ($status -in 401, 403) { throw [System.UnauthorizedAccessException]::new($answer['error']['message']) }
    if ($status -ge 400) { throw [System.SystemException]::new($answer['error']['message']) }
    if ($answer.Contains('error')) { throw ($answer.type -as [type])::new($answer.error) }
    return $answer
}

function Disconnect-ExchangeOnline {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param([string[]] $ConnectionId, [string[]] $ModulePrefix)
    try { $yes = $PSCmdlet.ShouldProcess('Running this cmdlet clears all active sessions.', 'Disconnect-ExchangeOnline') } catch { $PSCmdlet.ThrowTerminatingError($_) }
    if (-not $yes) { return }
    $null = Send-Request -Path 'disconnect' -Parameters @{}
    foreach ($service in @($script:Connections.Keys)) { Remove-Connection $service }
}

function Get-ConnectionInformation {
    [CmdletBinding()]
    param([string[]] $ConnectionId, [string] $ModulePrefix)
    foreach ($connection in $script:Connections.Values) { [pscustomobject]$connection }
}

function Remove-Connection {
    param([string] $Service)
    if ($script:Commands.Contains($Service)) { Remove-Module -Name $script:Commands[$Service] -Force }
    $script:Commands.Remove($Service)
    $script:Connections.Remove($Service)
}

Export-ModuleMember -Function 'Connect-ExchangeOnline', 'Connect-IPPSSession', 'Disconnect-ExchangeOnline', 'Get-ConnectionInformation'
