#!/usr/bin/env bash
# Runs the command line against the recorded world and compares with what the original did there.
#
#   test/world/run.sh [OUT]      OUT keeps the recording; a temporary directory otherwise
#
# Needs root (port 443, /etc/hosts; one run at a time on a machine), docker-registry, zstd, openssl, python3 with yaml, and
# the world itself at $AIRLIFT_SHARED/world. Differences that are meant stand in accepted.tsv: case, aspect, reason.
# Fails on a difference that is not listed, and on a listed one that is none; and on a configuration that is refused for
# another reason than what stands in it, which exit codes cannot tell. Ends with "N passed, N failed".
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
shared=${AIRLIFT_SHARED:-$repository/../shared}
world=$shared/world
[ -x "$world/up" ] || { echo "no world at $world: set AIRLIFT_SHARED" >&2; exit 2; }

root=$(mktemp -d)
out=${1:-$root/out}
trap '"$world/down" "$root"; rm -rf "$root"' EXIT
"$world/up" "$root"

passed=0 failed=0 skipped=0

# compare STEPS NAME…: records the cases NAME… in STEPS and adds up what the comparison says.
compare() {
  local steps=$1
  shift
  python3 "$world/record.py" "$repository/bin/airlift" "$root" "$out" --steps "$steps" "$@"
  judge "$out" "$steps" --accepted "$here/accepted.tsv" "$@"
}

# exchange NAME…: the same from disk to mirror, with the archives that the original made; nothing differs there.
exchange() {
  python3 "$world/record.py" "$repository/bin/airlift" "$root" "$out/exchange" --steps d2m --archives "$world/archives" "$@"
  judge "$out/exchange" d2m "$@"
}

# judge RECORDING STEPS ARGUMENT…
judge() {
  local recording=$1 steps=$2 summary
  shift 2
  python3 "$world/compare.py" "$world/golden" "$recording" "$root" --steps "$steps" "$@" > "$root/comparison" || true
  cat "$root/comparison"
  summary=$(tail -n 1 "$root/comparison")
  [[ $summary =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]] || { echo "no result for $*" >&2; exit 1; }
  passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
}

# Refused configurations, in the step that reads them; all but the one that is taken.
mapfile -t configurations < <(cd "$world/golden" && ls -d config-* | grep -vx config-case-insensitive)

compare dry,m2d,d2m,m2m 'image-*'
exchange image-blocked image-nested image-platforms image-tag
compare m2d config-case-insensitive "${configurations[@]}"
for name in "${configurations[@]}"; do
  if grep -qE '^error \[(CONFIG_INVALID|NOTHING_TO_MIRROR)\]' "$out/$name/m2d.log"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s\tm2d.log\trefused for another reason: %s\n' "$name" "$(head -n 1 "$out/$name/m2d.log")"
  fi
done

compare args 'flags-*' version

accepted=
[ "$skipped" = 0 ] || accepted=", $skipped skipped"
echo "world: $passed passed, $failed failed$accepted"
echo "$passed passed, $failed failed$accepted"
[ "$failed" = 0 ]
