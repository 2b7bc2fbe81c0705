# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# How the functions of the temporary module reach the service where Microsoft's own module has made it: with the token, the address and
# the tenant of its connection. A part of what the emulator answers to EXOModuleFile; see Proxies.ps1.

$script:Client = [System.Net.Http.HttpClient]::new()
$script:Client.Timeout = [System.TimeSpan]::FromSeconds(960)

function ConvertTo-JsonValue {
    # A parameter as the service takes it.
    param([AllowNull()] $Value)
    if ($null -eq $Value) { return $null }
    if ($Value -is [switch]) { return $Value.IsPresent }
    if ($Value -is [byte[]]) { return @{ '@odata.type' = '#Exchange.ByteArrayType'; Data = @($Value | ForEach-Object { [int] $_ }) } }
    if ($Value -is [datetime]) { return $Value.ToString('yyyy-MM-ddTHH:mm:ss.fffffff', [cultureinfo]::InvariantCulture) }
    if ($Value -is [bool] -or $Value -is [string] -or ($Value -is [ValueType] -and $Value.GetType().IsPrimitive)) { return $Value }
    if ($Value -is [System.Collections.IDictionary]) {
        $table = @{ '@odata.type' = '#Exchange.GenericHashTable' }
        foreach ($key in $Value.Keys) { $table[[string] $key] = ConvertTo-JsonValue $Value[$key] }
        return $table
    }
    if ($Value -is [System.Collections.IEnumerable]) { return , @(foreach ($item in $Value) { , (ConvertTo-JsonValue $item) }) }
    return [string] $Value
}

function Send-Call {
    param([string] $Name, [System.Collections.IDictionary] $Bound, [bool] $Confirmed, [string] $Id, [string] $Page)
    $context = [Microsoft.Exchange.Management.ExoPowershellSnapin.ConnectionContextFactory]::GetCurrentConnectionContext($ConnectionContextObjectId)
    $caller = $context.GetAuthHeader('', $Id)
    $parameters = @{}
    foreach ($key in $Bound.Keys) { if ($key -notin 'ErrorAction', 'WarningAction', 'Verbose', 'Debug') { $parameters[$key] = ConvertTo-JsonValue $Bound[$key] } }
    $body = ConvertTo-Json -InputObject @{ CmdletInput = @{ CmdletName = $Name; Parameters = $parameters } } -Depth 10 -Compress
    $address = if ($Page) { $Page } else { "$($caller.BaseUri)/$($caller.TenantId)/InvokeCommand" }
    $request = [System.Net.Http.HttpRequestMessage]::new('POST', $address)
    $request.Content = [System.Net.Http.StringContent]::new($body, [System.Text.Encoding]::UTF8, 'application/json')
    foreach ($header in @{
            Authorization = $caller.AuthorizationHeader
            Accept = 'application/json'
            Prefer = 'odata.maxpagesize=1000'
            'X-CmdletName' = $Name
            'X-ResponseFormat' = 'clixml'
            'X-SerializationLevel' = 'Partial'
            'client-request-id' = $Id
        }.GetEnumerator()) {
        $null = $request.Headers.TryAddWithoutValidation($header.Key, [string] $header.Value)
    }
    $sent = $script:Client.SendAsync($request)
    while (-not $sent.Wait(50)) { }
    return $sent.Result
}
