"""Account and host names that name nobody: what images, distributions, runners, databases and examples are shipped with."""

from __future__ import annotations

from localrouter.scrub.common_words import words

ACCOUNTS = words(
    """root user users username runner ubuntu debian centos fedora rocky alma alpine arch admin administrator public shared default guest test tester testuser
    vagrant node app apps application docker ec2-user opc azureuser core linuxbrew homebrew circleci vscode codespace gitpod jenkins travis git gitlab gitlab-runner github
    actions builder build buildkite www-data www web nginx apache httpd http nobody nogroup daemon bin sys adm lp mail news uucp games man sync backup irc gnats sshd
    systemd-network systemd-resolve systemd-timesync messagebus postgres mysql mariadb mongodb redis elasticsearch kafka rabbitmq oracle sa dbo sqlserver sysdba
    service system localsystem networkservice operator dev devuser developer ops deploy deployer demo example sample foo bar baz qux me you yourname your-name your_username your-username
    username1 user1 user2 someone somebody name login email password null none undefined true false anonymous anon unknown wheel staff sudo su owner group everyone
    all_users alluser pi kali vagrant-user jovyan sandbox workspace coder openhands claude codex agent assistant bot tool superuser sysadmin webmaster postmaster hostmaster string str
    steam dependabot renovate minio grafana prometheus airflow spark hadoop hdfs hive jupyter rstudio ansible terraform packer nixbld cloud-user bitnami wordpress drupal
    index home about contact settings dashboard profile search help docs api auth logout signup register library applications
    is was has who that the not with from and or for self this request response session current context value data item key id int float bool object any"""
)
HOSTS = words(
    """host.docker.internal gateway.docker.internal kubernetes.docker.internal vm.docker.internal host.containers.internal host.lima.internal metadata.google.internal
    kubernetes.default.svc.cluster.local kubernetes.default.svc cluster.local svc.cluster.local ec2.internal compute.internal localhost.localdomain example.local
    example.internal host.internal docker.internal"""
)


def account(name: str) -> bool:
    """Whether an account name is nobody's own, or stands for one (`<user>`, `$USER`, `{name}`, `xxx`)."""
    low = name.lower().strip("\"'")
    return (
        low in ACCOUNTS
        or len(low) < 2
        or low[0] in "<${%[(*"
        or set(low) <= {"x", ".", "-", "_"}
        or low.startswith(("your", "my-", "example", "placeholder"))
    )
