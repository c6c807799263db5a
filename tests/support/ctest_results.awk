# Reads `ctest -V`, prints one line a program and the reasons of failures, and writes "passed failed skipped" to the file `totals`.
# A program of Check counts as its checks; any other as one test.

match($0, /^[0-9]+: /) {
    id = substr($0, 1, RLENGTH - 2)
    line = substr($0, RLENGTH + 1)
    if (match(line, /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/)) {
        split(line, word, /[ ,]+/)
        checks[id] += word[3]
        bad[id] += word[5] + word[7]
    } else if (line ~ /^[^ ]+:[0-9]+:[FE]:/) {
        reasons[id] = reasons[id] "          " line "\n"
    }
    last[id] = last[id] "          " line "\n"
    if (++kept[id] > 15) sub(/^[^\n]*\n/, "", last[id])
    next
}

# "12/40 Test #7: unit.text_test .....***Failed    0.05 sec"
match($0, /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: /) {
    id = $0
    sub(/^[^#]*#/, "", id)
    sub(/:.*/, "", id)
    name = substr($0, RLENGTH + 1)
    sub(/ .*/, "", name)
    seconds = $(NF - 1)
    if ($0 ~ /\*\*\*Skipped/) {
        skipped++
        printf "  skip    %s\n", name
    } else if ($0 ~ / Passed /) {
        count = checks[id] ? checks[id] : 1
        passed += count
        printf "  ok      %-44s %5d  %7.2f s\n", name, count, seconds
    } else {
        # Every check passed and the program failed all the same: a sanitizer, a time-out, a crash at the end.
        if (bad[id] == 0) bad[id] = 1
        failed += bad[id]
        passed += checks[id] > bad[id] ? checks[id] - bad[id] : 0
        how = $0
        sub(/.*\*\*\*/, "", how)
        sub(/ .*/, "", how)
        printf "  FAILED  %s (%s)\n%s", name, how, reasons[id] != "" ? reasons[id] : last[id]
    }
    fflush()
}

END { print passed + 0, failed + 0, skipped + 0 > totals }
