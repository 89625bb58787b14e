# Prints the file with what stands between the markers of one measurement replaced by that measurement's output:
# awk -v name=NAME -v output=FILE -v title=LINE -f publish.awk README.md
# Ends with 1, and its output is not to be used, unless there is one pair of markers.
$0 == "<!-- figures:" name " -->" {
    print
    print ""
    print title
    print ""
    while ((got = (getline line < output)) > 0) print line
    if (got < 0) broken = 1
    inside = 1
    begun++
    next
}
$0 == "<!-- /figures:" name " -->" {
    if (inside) print ""
    inside = 0
    ended++
}
!inside
END { exit broken || begun != 1 || ended != 1 || inside }
