# Looks at a machine and says what it sees as key=value lines. It changes nothing. POSIX sh, run by `knarr node add`.
# All is one function, called at the end: a script that arrives in part does nothing.
look() {
    PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
    LC_ALL=C
    export PATH LC_ALL
    # What may hold a backslash goes by printf: the echo of dash would read it.
    echo 'knarr-probe=1'
    (. /etc/os-release && echo "os=${NAME%% *} $VERSION_ID") 2>/dev/null
    echo "arch=$(uname -m)"
    root=
    if [ "$(id -u)" = 0 ]; then
        echo 'root=yes'
    elif sudo -n true 2>/dev/null; then
        echo 'root=sudo'
        root='sudo -n'
    else
        echo 'root=no'
    fi
    printf 'connection=%s\n' "$SSH_CONNECTION"
    if [ -d /run/systemd/system ]; then echo 'systemd=yes'; else echo 'systemd=no'; fi
    if command -v apt-get >/dev/null 2>&1; then echo 'apt=yes'; else echo 'apt=no'; fi
    for program in git ssh ssh-keygen nft wg ip prlimit; do
        command -v "$program" >/dev/null 2>&1 || echo "missing=$program"
    done
    [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] || echo 'missing=ca-certificates'
    # A kernel without WireGuard needs the program that stands in for it.
    [ -d /sys/module/wireguard ] || modprobe -n -q wireguard 2>/dev/null || command -v wireguard-go >/dev/null 2>&1 || echo 'missing=wireguard-go'
    # ufw.service is active also when ufw is not; its settings say what counts.
    grep -qsi '^ENABLED=yes' /etc/ufw/ufw.conf && echo 'firewall=ufw'
    if systemctl -q is-active firewalld 2>/dev/null || systemctl -q is-enabled firewalld 2>/dev/null; then echo 'firewall=firewalld'; fi
    if [ -s /etc/machine-id ]; then
        echo "machine=$(tr -d '\n' </etc/machine-id | sha256sum | cut -d ' ' -f 1)"
    fi
    for key in ed25519 ecdsa rsa; do
        file=/etc/ssh/ssh_host_${key}_key.pub
        [ -r "$file" ] && echo "host-key=$(cut -d ' ' -f 1,2 "$file")"
    done
    ip -o route show default 2>/dev/null | sed 's/^/route=/'
    ip -o addr show scope global 2>/dev/null | sed 's/^/address=/'
    $root ss -Htulpn 2>/dev/null | sed 's/^/listen=/'
    [ -x /usr/local/bin/knarrd ] && echo "knarrd=$(/usr/local/bin/knarrd --version 2>/dev/null)"
    identity=$($root cat /var/lib/knarr/identity.json 2>/dev/null | tr -d '\n')
    [ -n "$identity" ] && printf 'identity=%s\n' "$identity"
    echo 'knarr-probe=end'
}
look </dev/null
