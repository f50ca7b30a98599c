// The maintainer scripts of the Debian package: systemd learns of the units, and ends them before they go. No service
// starts by being installed.
const units = "grasp-grounding-node.service grasp-grounding-worker.service";
const reload = `if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
`;
const script = (body) => `#!/bin/sh\nset -e\n${body}exit 0\n`;

export const maintainerScripts = {
  postinst: script(reload),
  prerm: script(`if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl disable --now ${units} || true
fi
`),
  postrm: script(`${reload}if [ "$1" = purge ]; then
  rm -rf /var/lib/grasp-grounding /var/lib/private/grasp-grounding /var/cache/grasp-grounding /var/cache/private/grasp-grounding
fi
`),
};
