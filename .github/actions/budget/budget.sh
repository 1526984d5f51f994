#!/usr/bin/env bash
# Checks networks against a budget on devices; the inputs of the action are in BUDGET_*. Exits with 1 if anything is beyond
# it, with 2 if something is wrong with an input. Writes to $GITHUB_STEP_SUMMARY, or to standard output without one.
set -uo pipefail

summary=${GITHUB_STEP_SUMMARY:-/dev/stdout}
options=()
budget=""
limit() { # option, value, words
  if [[ -n $2 ]]; then
    options+=("$1" "$2")
    budget+="${budget:+, }at most $3"
  fi
}
limit --max-ms "${BUDGET_MAX_MS:-}" "${BUDGET_MAX_MS:-} ms"
limit --max-ram "${BUDGET_MAX_RAM:-}" "${BUDGET_MAX_RAM:-} of RAM"
limit --max-flash "${BUDGET_MAX_FLASH:-}" "${BUDGET_MAX_FLASH:-} of flash"
if [[ -z $budget ]]; then
  echo "::error title=mbcost::give max-ms, max-ram or max-flash"
  exit 2
fi
read -r -a more <<< "$(tr '\n' ' ' <<< "${BUDGET_OPTIONS:-}")" # words as they are: no globs, no quotes
options+=(${more[@]+"${more[@]}"})

lines() { sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/^$/d' <<< "$1"; }
escaped() { awk '{ gsub(/%/, "%25"); printf "%s%s", between, $0; between = "%0A" }'; } # as workflow commands want it

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
worst=0
checked=0
while IFS= read -r model; do
  while IFS= read -r device; do
    checked=$((checked + 1))
    mbcost analyze "${options[@]}" --device "$device" --format md -- "$model" > "$folder/out" 2> "$folder/err" < /dev/null
    code=$?
    case $code in
      0) verdict="within the budget" mark="✅" ;;
      1) verdict="beyond the budget" mark="❌" ;;
      *) verdict="could not be checked" mark="⚠️" ;;
    esac
    {
      echo "### $mark $model on $device: $verdict ($budget)"
      echo
      grep '^check failed: ' "$folder/err" | sed 's/^check failed: /- /'
      echo
      if [[ $code -le 1 ]]; then
        cat "$folder/out"
      else
        printf '```text\n%s\n```\n' "$(sed 's/```/` ` `/g' "$folder/err")"
      fi
      echo
    } >> "$summary"
    echo "$model on $device: $verdict ($budget)"
    if [[ $code -ne 0 ]]; then
      echo "::error title=mbcost::$({ echo "$model on $device"; cat "$folder/err"; } | escaped)"
      [[ $code -gt 1 ]] && worst=2 || worst=$((worst > 1 ? worst : 1))
    fi
  done < <(lines "${BUDGET_DEVICE:-}")
done < <(lines "${BUDGET_MODEL:-}")
if [[ $checked -eq 0 ]]; then
  echo "::error title=mbcost::give a model and a device"
  exit 2
fi
exit "$worst"
