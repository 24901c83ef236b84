#!/usr/bin/env bash
# The top of the repository holds the rooms and a few known files, nothing else.
set -u
. "$(dirname "$0")/files.sh"
allowed='CMakeLists\.txt|CMakePresets\.json|README\.md|LICENSE|engine|stages|journal|backup|verify|tests|tools|\..*'
found=$(repository_files | cut -d / -f 1 | sort -u | grep -vxE "$allowed")
[ -z "$found" ] || { printf 'does not belong at the top: %s\n' "$found"; exit 1; }
