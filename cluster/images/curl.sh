#!/bin/sh
# A word that is a program is run; anything else goes to curl.
if [ $# -gt 0 ] && command -v "$1" >/dev/null 2>&1; then exec "$@"; fi
exec curl "$@"
