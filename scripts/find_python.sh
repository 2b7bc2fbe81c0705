#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the m365.message_encryption contributors
#
# Prints the path of the first given Python version (3.13 3.12 ...) that this machine has and that can create a virtual
# environment. Prints nothing if there is none.
for version in "$@"; do
    for name in "python$version" python3 python; do
        command -v "$name" >/dev/null 2>&1 || continue
        "$name" -c '
import ensurepip, ssl, sys, venv
if "%d.%d" % sys.version_info[:2] != sys.argv[1]:
    sys.exit(1)
print(sys.executable)
' "$version" 2>/dev/null && exit 0
    done
done
