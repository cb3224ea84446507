#!/bin/sh
# Draws the passwords and tokens that compose.yaml reads, once; what is there stays.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
cd secrets

draw() {
    [ -s "$1" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$1"
}

draw broker_password
draw printer_password
draw influxdb_admin_password
draw influxdb_admin_token
draw grafana_admin_password
draw api_token
[ -s broker_users ] || printf 'layerline:%s\nprinter:%s\n' "$(cat broker_password)" "$(cat printer_password)" >broker_users

# The address of this machine as printers see it, to be shown beside the broker's user.
if [ ! -s ../.env ]; then
    address=$(ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
    [ -n "$address" ] || address=$(hostname -I 2>/dev/null | cut -d ' ' -f 1)
    printf 'HOST_ADDRESS=%s\n' "${address:-localhost}" >../.env
fi

# The folder keeps others out; inside the containers the users differ.
chmod 0444 ./*
echo "secrets are in $(pwd)"
echo "type into the printers: user printer, password $(cat printer_password)"
