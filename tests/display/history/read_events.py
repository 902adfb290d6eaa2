"""Prints as JSON what Debian's protobuf reads of an event file, by a schema written from the format's documentation."""
import json, struct, sys
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.internal.api_implementation import Type
from google.protobuf import message_factory

F = descriptor_pb2.FieldDescriptorProto
file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="t", syntax="proto3")

def message(name, *fields):
    made = file.message_type.add(name=name)
    for number, field, kind, many in fields:
        f = made.field.add(name=field, number=number, label=F.LABEL_REPEATED if many else F.LABEL_OPTIONAL)
        if isinstance(kind, str):
            f.type, f.type_name = F.TYPE_MESSAGE, ".t." + kind
        else:
            f.type = kind

message("Image", (1, "height", F.TYPE_INT32, 0), (2, "width", F.TYPE_INT32, 0), (3, "colorspace", F.TYPE_INT32, 0),
        (4, "encoded_image_string", F.TYPE_BYTES, 0))
message("Histo", (1, "min", F.TYPE_DOUBLE, 0), (2, "max", F.TYPE_DOUBLE, 0), (3, "num", F.TYPE_DOUBLE, 0),
        (4, "sum", F.TYPE_DOUBLE, 0), (5, "sum_squares", F.TYPE_DOUBLE, 0), (6, "bucket_limit", F.TYPE_DOUBLE, 1),
        (7, "bucket", F.TYPE_DOUBLE, 1))
message("Value", (1, "tag", F.TYPE_STRING, 0), (2, "simple_value", F.TYPE_FLOAT, 0), (4, "image", "Image", 0),
        (5, "histo", "Histo", 0))
message("Summary", (1, "value", "Value", 1))
message("Event", (1, "wall_time", F.TYPE_DOUBLE, 0), (2, "step", F.TYPE_INT64, 0), (3, "file_version", F.TYPE_STRING, 0),
        (5, "summary", "Summary", 0))
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
Event = message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("t.Event"))

def masked(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

data, at, found = open(sys.argv[1], "rb").read(), 0, []
while at < len(data):
    head = data[at:at + 8]
    length, = struct.unpack("<Q", head)
    check, = struct.unpack("<I", data[at + 8:at + 12])
    body = data[at + 12:at + 12 + length]
    end, = struct.unpack("<I", data[at + 12 + length:at + 16 + length])
    assert check == masked(head) and end == masked(body), "a checksum is wrong"
    at += 16 + length
    event = Event.FromString(body)
    assert not event.UnknownFields() if hasattr(event, "UnknownFields") else True
    if event.file_version:
        found.append({"version": event.file_version})
    for value in event.summary.value:
        one = {"tag": value.tag, "step": event.step, "time": event.wall_time}
        if value.HasField("image"):
            i = value.image
            one["image"] = [i.height, i.width, i.colorspace, i.encoded_image_string.hex()]
        elif value.HasField("histo"):
            h = value.histo
            one["histo"] = [h.min, h.max, h.num, h.sum, h.sum_squares, list(h.bucket_limit), list(h.bucket)]
        else:
            one["scalar"] = value.simple_value
        found.append(one)
print(json.dumps(found))
