# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# What PowerShell makes of printed commands. Each line of the input is one command as a JSON string; each line of the output says of
# it, as JSON, what is wrong, or which cmdlet was bound to which values. The cmdlets are functions with the live module's parameters
# that only tell what they were given. A picture's place holder is a file of as many bytes.

param([string] $Functions, [string] $Directory)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
$ConfirmPreference = 'High'
[System.Environment]::CurrentDirectory = $Directory
$global:Given = $null
$tell = { param($Cmdlet, $Bound, $Confirmed) $global:Given = @{ cmdlet = $Cmdlet.MyInvocation.MyCommand.Name; parameters = $Bound } }
$cmdlets = (Import-Module $Functions -ArgumentList $tell -DisableNameChecking -PassThru).ExportedFunctions

$literals = [System.Collections.Generic.HashSet[string]] @(
    'ScriptBlockAst', 'NamedBlockAst', 'StatementBlockAst', 'PipelineAst', 'CommandAst', 'CommandParameterAst', 'CommandExpressionAst',
    'StringConstantExpressionAst', 'ConstantExpressionAst', 'VariableExpressionAst', 'ArrayExpressionAst', 'ArrayLiteralAst', 'HashtableAst',
    'ParenExpressionAst', 'BinaryExpressionAst', 'ConvertExpressionAst', 'TypeConstraintAst', 'TypeExpressionAst', 'InvokeMemberExpressionAst'
)
$methods = @('[System.IO.File]::ReadAllBytes', '[char]::ConvertFromUtf32')

function Get-Objection {
    # Why a text is no single command with literal arguments; nothing where it is.
    param([string] $Text)
    $tokens = $errors = $null
    $ast = [System.Management.Automation.Language.Parser]::ParseInput($Text, [ref] $tokens, [ref] $errors)
    if ($errors) { return "it does not parse: $($errors[0].Message)" }
    $commands = 0
    foreach ($part in $ast.FindAll({ $true }, $true)) {
        $kind = $part.GetType().Name
        if (-not $literals.Contains($kind)) { return "it holds a ${kind}: $($part.Extent.Text)" }
        if ($kind -eq 'CommandAst') {
            $commands++
            if (-not $cmdlets.ContainsKey([string] $part.GetCommandName())) { return "the live module has no $($part.GetCommandName())" }
        } elseif ($kind -eq 'VariableExpressionAst') {
            if ("$($part.VariablePath)" -notin 'null', 'true', 'false') { return "it reads a variable: $($part.Extent.Text)" }
        } elseif ($kind -eq 'InvokeMemberExpressionAst') {
            if ("$($part.Expression.Extent.Text)::$($part.Member.Extent.Text)" -notin $methods) { return "it calls $($part.Extent.Text)" }
            if ($part.Member.Value -eq 'ReadAllBytes') {
                $name = $part.Arguments[0].Value
                if ($name -notmatch '^<(\d+) bytes, SHA-256 [0-9a-f]{64}>$') { return "it reads the file $name" }
                [System.IO.File]::WriteAllBytes([System.IO.Path]::Combine($Directory, $name), [byte[]]::new([int] $Matches[1]))
            }
        }
    }
    if ($commands -ne 1 -or $ast.EndBlock.Statements.Count -ne 1) { return "it is $commands commands in $($ast.EndBlock.Statements.Count) statements" }
}

function ConvertTo-Told {
    param([AllowNull()] $Value)
    if ($null -eq $Value) { return $null }
    if ($Value -is [switch]) { return $Value.IsPresent }
    if ($Value -is [byte[]]) { return @{ '$bytes' = $Value.Length } }
    if ($Value -is [System.Collections.IDictionary]) {
        $table = @{}
        foreach ($key in $Value.Keys) { $table[[string] $key] = ConvertTo-Told $Value[$key] }
        return @{ '$hashtable' = $table }
    }
    if ($Value -is [System.Collections.IEnumerable] -and $Value -isnot [string]) {
        return , @(foreach ($item in $Value) { , (ConvertTo-Told $item) })
    }
    if ($Value -is [uri]) { return $Value.OriginalString }
    return $Value
}

while ($null -ne ($line = [System.Console]::In.ReadLine())) {
    $text = [string] (ConvertFrom-Json -InputObject $line -NoEnumerate)
    $answer = @{ objection = Get-Objection $text }
    if (-not $answer.objection) {
        $global:Given = $null
        try {
            $null = Invoke-Expression $text
            $bound = @{}
            foreach ($name in $global:Given.parameters.Keys) { $bound[$name] = ConvertTo-Told $global:Given.parameters[$name] }
            $answer = @{ cmdlet = $global:Given.cmdlet; parameters = $bound }
        } catch {
            $answer = @{ objection = "PowerShell refuses it: $_" }
        }
    }
    [System.Console]::Out.WriteLine((ConvertTo-Json -InputObject $answer -Depth 10 -Compress -EscapeHandling EscapeNonAscii))
}
