# Reads and sets automatic replies in Exchange, for Locum: a fixed script. Every value comes as JSON on standard input and goes to a cmdlet
# as a parameter; no value ever becomes part of a command. One line of JSON goes to standard output. It needs a role with two cmdlets:
# Get-MailboxAutoReplyConfiguration and Set-MailboxAutoReplyConfiguration (docs/connectors/exchange_shell.md).
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
[Console]::InputEncoding = New-Object System.Text.UTF8Encoding $false
[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false

$Two = @('Get-MailboxAutoReplyConfiguration', 'Set-MailboxAutoReplyConfiguration')
# Looked for by the check alone, and never called: a role that has one of these can do more than Locum needs.
$More = @('Add-MailboxPermission', 'Search-Mailbox', 'New-MailboxExportRequest', 'New-ComplianceSearch', 'New-InboxRule', 'Set-Mailbox', 'New-TransportRule')

function Connect-There($Asked, $Cmdlets) {
    if ($Asked.connect -eq 'online') {
        $Values = @{ AppId = $Asked.app_id; Organization = $Asked.organization; CommandName = $Cmdlets; ShowBanner = $false }
        if ($Asked.certificate_file) { $Values.CertificateFilePath = $Asked.certificate_file } else { $Values.CertificateThumbprint = $Asked.certificate_thumbprint }
        Connect-ExchangeOnline @Values
    } elseif ($Asked.connect -eq 'server') {
        $Session = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri $Asked.uri -Authentication Kerberos
        $Module = Import-PSSession $Session -CommandName $Cmdlets -AllowClobber -DisableNameChecking
        Import-Module $Module -Global -DisableNameChecking
    }
}

function Get-Seconds($At) {
    if ($null -eq $At) { return $null }
    return ([DateTimeOffset] [DateTime] $At).ToUnixTimeSeconds()
}

function Get-Local($Seconds) {
    return [DateTimeOffset]::FromUnixTimeSeconds([long] $Seconds).LocalDateTime
}

function Get-Reply($Mailbox) {
    $Found = Get-MailboxAutoReplyConfiguration -Identity $Mailbox
    return [ordered] @{
        state = [string] $Found.AutoReplyState
        audience = [string] $Found.ExternalAudience
        internal = [string] $Found.InternalMessage
        external = [string] $Found.ExternalMessage
        start = Get-Seconds $Found.StartTime
        end = Get-Seconds $Found.EndTime
    }
}

# A sign stands before each text, since ConvertFrom-Json makes a date of a text that looks like one.
function Set-Reply($Mailbox, $Reply) {
    $Values = @{
        Identity = $Mailbox
        AutoReplyState = [string] $Reply.state
        ExternalAudience = [string] $Reply.audience
        InternalMessage = ([string] $Reply.internal).Substring(1)
        ExternalMessage = ([string] $Reply.external).Substring(1)
        Confirm = $false
    }
    if ($null -ne $Reply.start) {
        $Values.StartTime = Get-Local $Reply.start
        $Values.EndTime = Get-Local $Reply.end
    }
    Set-MailboxAutoReplyConfiguration @Values
}

function Get-Failure($Failure, $Done) {
    return [ordered] @{
        error = [string] $Failure.FullyQualifiedErrorId
        category = [string] $Failure.CategoryInfo.Category
        type = [string] $Failure.Exception.GetType().Name
        done = $Done
    }
}

$Answers = @()
try {
    $Asked = [Console]::In.ReadToEnd() | ConvertFrom-Json
    $IsCheck = $Asked.do -eq 'check'
    if ($IsCheck) { $ErrorActionPreference = 'SilentlyContinue' } # a role that is as it should be lacks most of those
    Connect-There $Asked $(if ($IsCheck) { $Two + $More } else { $Two })
    $ErrorActionPreference = 'Stop'
    foreach ($Item in @($Asked.items)) {
        $Done = $false
        try {
            if ($Asked.do -eq 'set') {
                Set-Reply $Item.mailbox $Item.reply
                $Done = $true
            }
            $Answers += Get-Reply $Item.mailbox
        } catch {
            $Answers += Get-Failure $_ $Done
        }
    }
    $Result = [ordered] @{ answers = @($Answers) }
    if ($IsCheck) { $Result.more = @($More | Where-Object { Get-Command $_ -ErrorAction SilentlyContinue }) }
} catch {
    $Result = Get-Failure $_ $false
} finally {
    try {
        if ((Get-Variable Asked -ErrorAction SilentlyContinue) -and $Asked.connect -eq 'online') { Disconnect-ExchangeOnline -Confirm:$false }
        Get-PSSession | Remove-PSSession
    } catch { }
}
$Result | ConvertTo-Json -Compress -Depth 5
