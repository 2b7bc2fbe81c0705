# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
@{
    RootModule        = 'ExchangeOnlineManagement.psm1'
    ModuleVersion     = '3.9.2'
    GUID              = '6f1c6a4e-62b8-4d2b-9d0f-0c2f7a1d9b11'
    Author            = 'the m365.message_encryption contributors'
    Description       = 'A stand-in for Microsoft''s module of this name, for tests: it forwards to the emulator and reaches no Exchange.'
    PowerShellVersion = '7.4'
    FunctionsToExport = @('Connect-ExchangeOnline', 'Connect-IPPSSession', 'Disconnect-ExchangeOnline', 'Get-ConnectionInformation')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
