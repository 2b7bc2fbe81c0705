# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# A tenant that the setup script can prepare: what each cmdlet answers. Its state is a JSON file, and each call goes into a log.

function Invoke-Stand-In {
    param([string] $Cmdlet, [System.Collections.IDictionary] $Given)
    $state = Get-Content -LiteralPath $env:SETUP_STATE -Raw | ConvertFrom-Json -AsHashtable
    $shown = @{}
    foreach ($name in $Given.Keys) { if ($name -notin 'KeyCredentials', 'ErrorAction') { $shown[$name] = $Given[$name] } }
    Add-Content -LiteralPath $env:SETUP_CALLS -Value (@{ cmdlet = $Cmdlet; parameters = $shown } | ConvertTo-Json -Depth 6 -Compress)
    $here = $state.here
    $answer = $null
    switch ($Cmdlet) {
        'Connect-MgGraph' { $state.here = $Given.TenantId }
        'Connect-ExchangeOnline' { $state.exchange = if ($Given.DelegatedOrganization) { $Given.DelegatedOrganization } else { $state.here } }
        'Get-MgApplication' {
            $answer = @($state.applications | Where-Object { $Given.Filter -eq "displayName eq '$($_.DisplayName)'" -or $Given.ApplicationId -eq $_.Id })
        }
        'New-MgApplication' {
            $keys = @($Given.KeyCredentials | ForEach-Object { [System.Convert]::ToHexString($_.Key) })
            $made = @{ Id = 'object-1'; AppId = '0b6f2f34-2f2c-4a2a-8d0d-3f1d3c5a7e11'; DisplayName = $Given.DisplayName; Audience = $Given.SignInAudience; Keys = $keys }
            $state.applications += $made
            $answer = $made
        }
        'Update-MgApplication' {
            if ($Given.KeyCredentials | Where-Object { -not $_.Key }) { throw 'A certificate was sent without its key.' }
            ($state.applications | Where-Object { $_.Id -eq $Given.ApplicationId }).Keys = @($Given.KeyCredentials | ForEach-Object { [System.Convert]::ToHexString($_.Key) })
        }
        'Get-MgServicePrincipal' {
            $answer = if ($Given.Filter -like '*00000002-0000-0ff1-ce00-000000000000*') { @{ Id = "exchange-$here"; AppId = 'exchange' } }
            else { $state.principals | Where-Object { $_.Where -eq $here } }
        }
        'New-MgServicePrincipal' { $answer = @{ Id = "enterprise-$here"; AppId = $Given.AppId; Where = $here }; $state.principals += $answer }
        'Get-MgServicePrincipalAppRoleAssignment' { $answer = @($state.consents | Where-Object { $_.PrincipalId -eq $Given.ServicePrincipalId }) }
        'New-MgServicePrincipalAppRoleAssignment' { $state.consents += @{ PrincipalId = $Given.PrincipalId; AppRoleId = $Given.AppRoleId; ResourceId = $Given.ResourceId } }
        'Get-OrganizationConfig' { $answer = @{ IsDehydrated = $state.exchange -in $state.dehydrated } }
        'Enable-OrganizationCustomization' { $state.dehydrated = @($state.dehydrated | Where-Object { $_ -ne $state.exchange }) }
        'Get-ServicePrincipal' { $answer = @($state.references | Where-Object { $_.Where -eq $state.exchange }) }
        'New-ServicePrincipal' { $state.references += @{ AppId = $Given.AppId; ObjectId = $Given.ObjectId; Where = $state.exchange } }
        'Get-RoleGroup' { $answer = @($state.groups | Where-Object { $_.Where -eq $state.exchange }) }
        'New-RoleGroup' {
            if ($state.exchange -in $state.dehydrated) { throw 'The command you tried to run is not currently allowed in your organization.' }
            $state.groups += @{ Name = $Given.Name; Roles = @($Given.Roles); Where = $state.exchange; Members = @() }
        }
        'Get-RoleGroupMember' { $answer = @(($state.groups | Where-Object { $_.Where -eq $state.exchange }).Members | ForEach-Object { @{ Name = $_; Guid = ''; ExternalDirectoryObjectId = '' } }) }
        'Add-RoleGroupMember' { ($state.groups | Where-Object { $_.Where -eq $state.exchange }).Members += $Given.Member }
    }
    $state | ConvertTo-Json -Depth 8 | Set-Content -LiteralPath $env:SETUP_STATE
    foreach ($each in @($answer)) {
        if ($null -eq $each) { continue }
        $object = [pscustomobject] $each
        if ($each.Contains('Keys')) {
            # The keys themselves are returned only for one application, and only where they are asked for.
            $whole = $Given['ApplicationId'] -and $Given['Property'] -eq 'keyCredentials'
            $keys = @($each['Keys'] | ForEach-Object { [pscustomobject] @{ Key = if ($whole) { [System.Convert]::FromHexString($_) } } })
            $object | Add-Member -NotePropertyName KeyCredentials -NotePropertyValue $keys
        }
        $object
    }
}
