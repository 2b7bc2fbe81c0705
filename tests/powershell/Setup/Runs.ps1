# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# Runs one command after the other, each as in a PowerShell of its own: a line of the input is a command with its directory and environment, as
# JSON. What it says is followed by a line with a record separator and its exit code.
param([string] $Modules)
while ($null -ne ($line = [System.Console]::In.ReadLine())) {
    $run = $line | ConvertFrom-Json
    foreach ($variable in $run.environment.PSObject.Properties) {
        [System.Environment]::SetEnvironmentVariable($variable.Name, $variable.Value)
    }
    [System.Environment]::CurrentDirectory = $run.directory
    Set-Location -LiteralPath $run.directory
    $code = 0
    try {
        & ([scriptblock]::Create($run.command)) | ForEach-Object { [System.Console]::Out.WriteLine($_) }
    } catch {
        [System.Console]::Out.WriteLine("$_")
        $code = 1
    }
    Remove-Module -Name ($Modules -split ',') -ErrorAction Ignore
    [System.Console]::Out.WriteLine([char] 0x1e + $code)
}
