#!/usr/bin/env bash
# Draws docs/images anew: every page of the dashboard, as it is on a desk and on a phone.
set -euo pipefail
root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
SCREENSHOTS=$root/docs/images exec "$root/mnemolite" test --filter-class '*PicturesTests'
