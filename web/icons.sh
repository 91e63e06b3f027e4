#!/usr/bin/env bash
# The icons that cannot be SVG, drawn from public/icon.svg by Chromium: ./icons.sh
#
# A maskable icon is cut to any shape, and Apple's to a rounded square: these two fill their square, and the
# flags keep to the middle.
set -euo pipefail
cd "$(dirname "$0")/public"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

draw() { # NAME SIZE BACKGROUND PICTURE
    local name="$1" size="$2" background="$3" picture="$4"
    cat >"$scratch/page.html" <<HTML
<!doctype html>
<style>
    html { background: $background }
    body { display: grid; place-items: center; height: ${size}px; margin: 0 }
    img { width: $picture; height: $picture }
</style>
<img src="icon.svg" alt="">
HTML
    cp icon.svg "$scratch"
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$scratch/profile" \
        --default-background-color=00000000 --window-size="$size,$size" \
        --screenshot="$PWD/$name" "file://$scratch/page.html" 2>/dev/null
}

draw icon-192.png 192 transparent 100%
draw icon-512.png 512 transparent 100%
draw icon-maskable.png 512 '#0a1720' 62%
draw icon-apple.png 180 '#0a1720' 72%
