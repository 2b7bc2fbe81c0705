# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# A stand-in for Microsoft's module ExchangeOnlineManagement: the tests' emulator is its service. It shows to a session what
# the real one shows: Connect-ExchangeOnline makes a module tmpEXO_... whose functions have the parameters and types of the
# live module, what the service refuses comes as a non-terminating error of Write-ErrorMessage, what it warns of as a warning.
# EMULATOR_MODULE_SERVICE is the address of the console that belongs to this process.

Set-StrictMode -Version 3.0

$script:Client = [System.Net.Http.HttpClient]::new()
$script:Client.Timeout = [System.Threading.Timeout]::InfiniteTimeSpan
$script:Connection = $null
$script:Commands = $null

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
    $text = $sent.Result.Content.ReadAsStringAsync().GetAwaiter().GetResult()
    if (-not $sent.Result.IsSuccessStatusCode) { throw "The emulator answered $([int]$sent.Result.StatusCode): $text" }
    return ConvertFrom-Json -InputObject $text -AsHashtable
}

function Write-ErrorMessage {
    [CmdletBinding()]
    param([string] $Message)
    $id = "[Server=$([System.Environment]::MachineName),RequestId=$([guid]::NewGuid()),TimeStamp=$([datetime]::UtcNow.ToString('R', [cultureinfo]::InvariantCulture))]"
    $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new([System.Exception]::new($Message), $id, 'NotSpecified', $null))
}

function Invoke-ExchangeCommand {
    # What each function of the temporary module calls. $Cmdlet is its $PSCmdlet.
    param($Cmdlet, [System.Collections.IDictionary] $Bound, [bool] $Confirmed)
    $name = $Cmdlet.MyInvocation.MyCommand.Name
    $answer = Send-Request -Path 'invoke' -Parameters $Bound -More @{ cmdlet = $name; confirmed = $Confirmed }
    if ($answer.Contains('asks')) {
        try { $yes = $Cmdlet.ShouldContinue($answer.asks, 'Confirm') } catch { $Cmdlet.ThrowTerminatingError($_) }
        if (-not $yes) { return }
        $answer = Send-Request -Path 'invoke' -Parameters $Bound -More @{ cmdlet = $name; confirmed = $true }
    }
    if ($answer.leaves -eq 'exit') { exit }
    if ($answer.leaves -eq 'break') { break }
    if ($answer.leaves -eq 'continue') { continue }
    if ($answer.leaves -eq 'return_null') { return $null }
    foreach ($text in $answer.warnings) { $Cmdlet.WriteWarning($text) }
    foreach ($document in $answer.objects) { $Cmdlet.WriteObject([System.Management.Automation.PSSerializer]::Deserialize($document)) }
    foreach ($text in $answer.errors) { Write-ErrorMessage -Message $text }
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
    $answer = Send-Request -Path 'connect' -Parameters $PSBoundParameters
    if ($answer.Contains('error')) { throw [System.Exception]::new($answer.error) }
    Remove-Connection
    $script:Connection = $answer.connection
    $directory = [System.IO.Directory]::CreateTempSubdirectory()
    try {
        $file = Join-Path $directory.FullName "$($answer.module).psm1"
        Set-Content -LiteralPath $file -Value $answer.script
        Import-Module $file -Global -DisableNameChecking -ArgumentList ${function:Invoke-ExchangeCommand}
    } finally {
        $directory.Delete($true)
    }
    $script:Commands = $answer.module
}

function Disconnect-ExchangeOnline {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param([string[]] $ConnectionId, [string[]] $ModulePrefix)
    try { $yes = $PSCmdlet.ShouldProcess('Running this cmdlet clears all active sessions.', 'Disconnect-ExchangeOnline') } catch { $PSCmdlet.ThrowTerminatingError($_) }
    if (-not $yes) { return }
    $null = Send-Request -Path 'disconnect' -Parameters @{}
    Remove-Connection
}

function Get-ConnectionInformation {
    [CmdletBinding()]
    param([string[]] $ConnectionId, [string] $ModulePrefix)
    if ($null -ne $script:Connection) { [pscustomobject]$script:Connection }
}

function Remove-Connection {
    if ($null -ne $script:Commands) { Remove-Module -Name $script:Commands -Force }
    $script:Commands = $script:Connection = $null
}

Export-ModuleMember -Function 'Connect-ExchangeOnline', 'Disconnect-ExchangeOnline', 'Get-ConnectionInformation'
