#!/bin/sh
# put-in-place VERSION: makes it the version that runs from the next start on, by one rename.
#
# What the package brought lies in /opt/menshen/packaged. What runs is a copy of hard links in /opt/menshen/versions,
# which costs no space and which an upgrade does not take away from under a gate at work. The version before stays for
# the way back (`previous`); a cut at any moment leaves `current` whole, as it was or as it shall be.
set -eu
version=$1
cd "${MENSHEN_OPT:-/opt/menshen}"
mkdir -p versions
exec 9>.update.lock
flock -w 300 9 # gatectl update holds it
rm -f trial trial.tries # whoever installs a package has decided
rm -rf versions/.new
cp -al "packaged/$version" versions/.new
touch versions/.new/complete
sync -f versions/.new
before=$(readlink current || true)
if [ -e "versions/$version" ]; then # the same version, built again: a copy of links stands in for it meanwhile
    if [ "$before" = "versions/$version" ]; then
        rm -rf versions/.old
        cp -al "versions/$version" versions/.old
        ln -sfn versions/.old .current
        mv -T .current current
    fi
    rm -rf "versions/$version"
fi
mv -T versions/.new "versions/$version"
ln -sfn "versions/$version" .current
mv -T .current current
rm -rf versions/.old
if [ -n "$before" ] && [ "$before" != "versions/$version" ] && [ -e "$before" ]; then
    ln -sfn "$before" .previous
    mv -T .previous previous
fi
sync -f .
for each in versions/*; do
    [ "$each" = "$(readlink current)" ] || [ "$each" = "$(readlink previous || true)" ] || rm -rf "$each"
done
