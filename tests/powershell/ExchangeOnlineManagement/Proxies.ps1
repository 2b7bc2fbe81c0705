# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# What each function of the temporary module does with its call, rebuilt from what the live module is seen to do: it repeats a call up
# to five times, also a write; it fails at a 401 on PowerShell 7, and at an answer that is not JSON. Send-Call carries a call to the
# service and gives its HttpResponseMessage; who includes this file defines it.

$script:Tries = 6
#: Milliseconds before the second try; each further wait is twice as long.
$script:Wait = if ($env:EMULATOR_MODULE_WAIT) { [int] $env:EMULATOR_MODULE_WAIT } else { 2000 }
$script:Passing = 'DCOverloadedException', 'SuitabilityDirectoryException', 'ServerInMMException', 'ADServerSettingsChangedException', 'StorageTransientException'
$script:Opaque = 'A server side error has occurred because of which the operation could not be completed. Please try again after some time. ' +
    'If the problem still persists, please reach out to MS support.'

function Invoke-ExchangeCommand {
    # What each function of the temporary module calls. $Cmdlet is its $PSCmdlet.
    param($Cmdlet, [System.Collections.IDictionary] $Bound, [bool] $Confirmed)
    $answer = Receive-Answer $Cmdlet $Bound $Confirmed
    if ($null -eq $answer) { return }
    if ($answer.Contains('@emulator.asks')) {
        try { $yes = $Cmdlet.ShouldContinue($answer['@emulator.asks'], 'Confirm') } catch { $Cmdlet.ThrowTerminatingError($_) }
        if (-not $yes) { return }
        $answer = Receive-Answer $Cmdlet $Bound $true
    }
    $leaves = [string] $answer['@emulator.leaves']
    if ($leaves -eq 'exit') { exit }
    if ($leaves -eq 'break') { break }
    if ($leaves -eq 'continue') { continue }
    if ($leaves -eq 'return_null') { return $null }
    while ($null -ne $answer) {
        foreach ($text in $answer['@adminapi.warnings']) { $Cmdlet.WriteWarning($text) }
        foreach ($value in $answer['value']) { $Cmdlet.WriteObject([System.Management.Automation.PSSerializer]::Deserialize($value['_clixml'])) }
        foreach ($text in $answer['@adminapi.errors']) { Write-ErrorMessage -Message $text -Activity $Cmdlet.MyInvocation.MyCommand.Name }
        $next = [string] $answer['@odata.nextLink']
        $answer = if ($next) { Receive-Answer $Cmdlet $Bound $Confirmed $next } else { $null }
    }
}

function Receive-Answer {
    # The answer to a call as a hashtable; nothing where an error was written.
    param($Cmdlet, [System.Collections.IDictionary] $Bound, [bool] $Confirmed, [string] $Page = '')
    $name = $Cmdlet.MyInvocation.MyCommand.Name
    $id = [string] [guid]::NewGuid()
    for ($try = 1; $true; $try++) {
        try { $response = Send-Call -Name $name -Bound $Bound -Confirmed $Confirmed -Id $id -Page $Page } catch {
            # Without an answer, there is neither another try nor a reason.
            Write-ErrorMessage -Message $script:Opaque -Activity $name
            return
        }
        $text = $response.Content.ReadAsStringAsync().GetAwaiter().GetResult()
        if ($response.IsSuccessStatusCode) { return ConvertFrom-Answer $Cmdlet $text }
        # Windows PowerShell's responses have such a method.
        if ([int] $response.StatusCode -eq 401) { try { $null = $response.GetResponseHeader('WWW-Authenticate') } catch { $Cmdlet.ThrowTerminatingError($_) } }
        $wait = Get-Wait $Cmdlet $response $text $try
        if ($try -ge $script:Tries -or $wait -lt 0) {
            Write-Refusal $Cmdlet $response $text
            return
        }
        Start-Sleep -Milliseconds $wait
    }
}

function ConvertFrom-Answer {
    param($Cmdlet, [string] $Text)
    try { return ConvertFrom-Json -InputObject $Text -AsHashtable } catch { throw }
}

function Get-Wait {
    # Milliseconds to wait before the next try; negative where there is none. An answer without a body is not worth one.
    param($Cmdlet, $Response, [string] $Text, [int] $Try)
    if (-not $Text) { return -1 }
    $growing = $script:Wait * [System.Math]::Pow(2, $Try - 1)
    $message = Get-Message (ConvertFrom-Answer $Cmdlet $Text)
    $status = [int] $Response.StatusCode
    if ($status -eq 429) {
        $after = Get-Header $Response 'Retry-After'
        return $(if ($after) { 1000 * [double] $after } else { $growing })
    }
    if ($status -in 503, 504 -or ($script:Passing | Where-Object { "$message".Contains($_) })) { return $growing }
    return -1
}

function Get-Message {
    # The text of an error body; nothing where it has none.
    param($Body)
    if ($Body -isnot [System.Collections.IDictionary] -or $Body['error'] -isnot [System.Collections.IDictionary]) { return $null }
    foreach ($detail in $Body['error']['details']) { return $detail['message'] }
    $inner = $Body['error']['innererror']
    if ($inner -is [System.Collections.IDictionary] -and $inner['internalexception']) { return $inner['internalexception']['message'] }
}

function Get-Header {
    param($Response, [string] $Name)
    $values = $null
    if ($Response.Headers.TryGetValues($Name, [ref] $values)) { return @($values)[0] }
}

function Write-Refusal {
    param($Cmdlet, $Response, [string] $Text)
    $name = $Cmdlet.MyInvocation.MyCommand.Name
    # Of a caller that is throttled to the end, the whole body is shown.
    $message = if ([int] $Response.StatusCode -eq 429) { $Text } elseif ($Text) { Get-Message (ConvertFrom-Answer $Cmdlet $Text) }
    if (-not $message) { $message = $script:Opaque }
    $reason = Get-Header $Response 'x-ExceptionType'
    Write-ErrorMessage -Message $message -Activity $name -Reason $(if ($reason) { $reason } else { 'Exception' })
}

function Write-ErrorMessage {
    [CmdletBinding()]
    param([string] $Message, [string] $Activity, [string] $Reason = 'Exception')
    $id = "[Server=$([System.Environment]::MachineName),RequestId=$([guid]::NewGuid()),TimeStamp=$([datetime]::UtcNow.ToString('R', [cultureinfo]::InvariantCulture))]"
    $record = [System.Management.Automation.ErrorRecord]::new([System.Exception]::new($Message), $id, 'NotSpecified', $null)
    $record.CategoryInfo.Activity = $Activity
    $record.CategoryInfo.Reason = $Reason
    $PSCmdlet.WriteError($record)
}
