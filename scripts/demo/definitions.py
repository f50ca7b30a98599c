"""Field lists of the messages in the demo recording, as ROS 2 Jazzy has them."""

from __future__ import annotations

LINE = "=" * 80
TIME = f"{LINE}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
HEADER = f"{LINE}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n{TIME}"

COMPRESSED_IMAGE = f"std_msgs/Header header\nstring format\nuint8[] data\n{HEADER}"

CAMERA_INFO = f"""std_msgs/Header header
uint32 height
uint32 width
string distortion_model
float64[] d
float64[9] k
float64[9] r
float64[12] p
uint32 binning_x
uint32 binning_y
sensor_msgs/RegionOfInterest roi
{LINE}
MSG: sensor_msgs/RegionOfInterest
uint32 x_offset
uint32 y_offset
uint32 height
uint32 width
bool do_rectify
{HEADER}"""

TF_MESSAGE = f"""geometry_msgs/TransformStamped[] transforms
{LINE}
MSG: geometry_msgs/TransformStamped
std_msgs/Header header
string child_frame_id
geometry_msgs/Transform transform
{LINE}
MSG: geometry_msgs/Transform
geometry_msgs/Vector3 translation
geometry_msgs/Quaternion rotation
{LINE}
MSG: geometry_msgs/Vector3
float64 x
float64 y
float64 z
{LINE}
MSG: geometry_msgs/Quaternion
float64 x
float64 y
float64 z
float64 w
{HEADER}"""
