# Sourced by the checks: goes to the top of the repository and names its files, also those that are
# not committed yet. Works for a clone that belongs to another user, and without git (a tarball).
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

# repository_files [PATTERN...]: existing files, one per line, sorted
repository_files() {
    local file
    if [ -e .git ]; then
        git -c "safe.directory=$PWD" ls-files -co --exclude-standard -- "$@"
    else
        find . -path ./build -prune -o -type f -print | sed 's|^\./||' | matching "$@"
    fi | sort -u | while IFS= read -r file; do
        if [ -f "$file" ]; then printf '%s\n' "$file"; fi
    done
}

# keeps the paths that match one of the patterns; all of them without a pattern
matching() {
    local path pattern
    while IFS= read -r path; do
        [ $# -gt 0 ] || printf '%s\n' "$path"
        for pattern in "$@"; do
            # shellcheck disable=SC2254 # the argument is a pattern
            case $path in $pattern) printf '%s\n' "$path" && break ;; esac
        done
    done
}

# What is shipped, without the tests
production_sources() {
    repository_files '*.c' | grep -v '^tests/'
}

# llvm_tool NAME: prints the command for NAME of the release whose verdicts the sources were written
# against; other releases format and warn differently, so there the check is skipped.
llvm_tool() {
    local tool
    for tool in "$1-14" "$1"; do
        if command -v "$tool" >/dev/null && "$tool" --version | grep -q 'version 14\.'; then
            echo "$tool"
            return
        fi
    done
    echo "skipped: $1 of LLVM 14 is not installed" >&2
    return 1
}
