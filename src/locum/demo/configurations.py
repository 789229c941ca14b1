"""What Dovecot and Postfix are told by locum.demo.host: templates only, filled by str.format."""

DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap sieve lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_master_user_separator = *
first_valid_uid = 1
mail_uid = {uid}
mail_gid = {gid}
mail_location = maildir:~/Maildir
{rootless}
passdb {{
  driver = passwd-file
  master = yes
  # one file of master users per service: a master user for ManageSieve is nobody for IMAP
  args = scheme=PLAIN username_format=%u {folder}/masters-%s
  result_success = continue
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service managesieve-login {{
  inet_listener sieve {{
    port = {sieve_port}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
protocol lmtp {{
  mail_plugins = $mail_plugins sieve
}}
lda_mailbox_autocreate = yes
postmaster_address = postmaster@{domain}
hostname = mail.{domain}
submission_host = 127.0.0.1:{relay_port}
plugin {{
  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_extensions = +vacation-seconds
  sieve_before = file:{folder}/published/before/%{{user}}.sieve;bindir=~/.locum-bin
  sieve_after = file:{folder}/published/after/%{{user}}.sieve;bindir=~/.locum-bin
  sieve_vacation_send_from_recipient = no
}}
import_environment = $import_environment TZ={time_zone} {environment}
{extra}
"""

ROOTLESS = """\
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
}}
service managesieve-login {{
  chroot =
}}
"""

POSTFIX_MAIN = """\
compatibility_level = 3.6
config_directory = {folder}/etc
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.{domain}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
virtual_mailbox_domains = {domain}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
default_transport = smtp:[127.0.0.1]:{sink_port}
recipient_delimiter = +
mailbox_size_limit = 0
biff = no
"""

POSTFIX_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""

FORWARDS = """\
submission_host =
sendmail_path = /usr/sbin/sendmail -C {queue}
plugin {{
  sieve_before2 = file:{forwards}/before/%{{user}}.sieve;bindir=~/.locum-bin
  sieve_after2 = file:{forwards}/after/%{{user}}.sieve;bindir=~/.locum-bin
}}
"""

QUEUE_MAIN = "alternate_config_directories = {folder}/etc\n"

QUEUE_MASTER = "pickup unix n - n 1 1 pickup\n"  # looks each second

SEARCH = """\
passdb {{
  driver = passwd-file
  master = yes
  args = {grants}/%s-%{{login_user}}-%u
  result_success = continue
}}
protocol imap {{
  mail_plugins = $mail_plugins acl
}}
login_log_format_elements = user=<%u> auth_user=<%{{auth_user}}> method=%m rip=%r lip=%l mpid=%e %c session=<%{{session}}>
plugin {{
  acl = vfile:{acl}
}}
"""

SEARCH_GROUP = "locum-search"

SEARCH_ACL = f"""\
* owner lrwstipekxa
* group={SEARCH_GROUP} lr
Privé* -group={SEARCH_GROUP} lr
OR -group={SEARCH_GROUP} lr
"""
