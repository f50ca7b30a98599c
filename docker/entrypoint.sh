#!/bin/bash
# Runs a command with ROS 2 and the workspace in its environment.
set -e
. "/opt/ros/${ROS_DISTRO}/setup.bash"
. /ws/install/setup.bash
exec "$@"
