#!/bin/sh
# /usr/bin/gatectl. Files that root makes are of no use to the services: what keeps state goes on as their user.
user=
if [ "$(id -u)" = 0 ]; then
    case "${1:-} ${2:-}" in
    "accept "* | "enrol "* | "keys "* | "ledger "* | "lane "* | "models "* | "prove "* | "renew "* | "rest "* | "run "* | "staff "* | "sync "*) user=menshen ;;
    "devices wear" | "manifest load" | "manifest show") user=menshen ;;
    "hub "*) user=menshen-hub ;;
    esac
fi
[ -z "$user" ] || umask 077
exec ${user:+runuser -u "$user" --} /opt/menshen/current/bin/gatectl "$@"
