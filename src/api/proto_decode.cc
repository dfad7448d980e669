// The protobuf decoder. Takes packed and unpacked lists, skips unknown fields.
#include <bit>

#include "api/field_ops.h"
#include "api/proto_codec.h"

namespace kpp::api {
namespace {

constexpr int kMaxDepth = 100;

template <class T>
T& as(void* p) {
  return *static_cast<T*>(p);
}

Status bad(std::string_view what) { return {Reason::kBadRequest, cat("proto: ", what)}; }
Status truncated() { return bad("unexpected EOF"); }

// Reads fields one after another.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  bool varint(std::uint64_t& out) {
    out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return false;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      out |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool bytes(std::string_view& out) {
    std::uint64_t size = 0;
    if (!varint(size) || size > rest_.size()) return false;
    out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  bool fixed(std::size_t size, std::uint64_t& out) {
    if (rest_.size() < size) return false;
    out = 0;
    for (std::size_t i = 0; i < size; ++i) {
      out |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    }
    rest_.remove_prefix(size);
    return true;
  }
  // The next field: its number, wire type and value.
  struct Field {
    std::uint32_t number = 0;
    int wire = 0;
    std::uint64_t integer = 0;
    std::string_view content;
  };
  Status next(Field& field) {
    std::uint64_t tag = 0;
    if (!varint(tag)) return truncated();
    if (tag >> 35 != 0 || tag >> 3 == 0) return bad(cat("illegal tag ", tag));
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.wire = static_cast<int>(tag & 7);
    switch (field.wire) {
      case 0:
        return varint(field.integer) ? Status() : truncated();
      case 1:
        return fixed(8, field.integer) ? Status() : truncated();
      case 2:
        return bytes(field.content) ? Status() : truncated();
      case 5:
        return fixed(4, field.integer) ? Status() : truncated();
      default:
        return bad(cat("illegal wireType ", field.wire));
    }
  }

 private:
  std::string_view rest_;
};

bool scalar(FieldType type) {
  switch (type) {
    case FieldType::kBool:
    case FieldType::kInt32:
    case FieldType::kInt64:
    case FieldType::kUint32:
    case FieldType::kUint64:
      return true;
    default:
      return false;
  }
}

void set_integer(FieldType type, void* p, std::uint64_t v) {
  switch (type) {
    case FieldType::kBool:
      as<bool>(p) = v != 0;
      return;
    case FieldType::kInt32:
      as<std::int32_t>(p) = static_cast<std::int32_t>(v);
      return;
    case FieldType::kInt64:
      as<std::int64_t>(p) = static_cast<std::int64_t>(v);
      return;
    case FieldType::kUint32:
      as<std::uint32_t>(p) = static_cast<std::uint32_t>(v);
      return;
    default:
      as<std::uint64_t>(p) = v;
      return;
  }
}

Status wrong_wire(const FieldDesc& field, int wire) {
  return bad(cat("wrong wireType = ", wire, " for field ", field.json_name));
}

Status decode_message(std::string_view bytes, const TypeDesc& desc, void* out, int depth);

// Times: two integers.
Status decode_time(std::string_view bytes, std::int64_t& seconds, std::int32_t& nanos) {
  if (bytes.empty()) return {};
  seconds = 0;
  nanos = 0;
  Reader reader(bytes);
  while (!reader.done()) {
    Reader::Field field;
    KPP_RETURN_IF_ERROR(reader.next(field));
    if (field.wire != 0) continue;
    if (field.number == 1) seconds = static_cast<std::int64_t>(field.integer);
    if (field.number == 2) nanos = static_cast<std::int32_t>(field.integer);
  }
  return {};
}

Status decode_special(FieldType type, std::string_view bytes, void* p) {
  if (type == FieldType::kTime) {
    std::int32_t unused = 0;
    return decode_time(bytes, as<Time>(p).seconds, unused);
  }
  if (type == FieldType::kMicroTime)
    return decode_time(bytes, as<MicroTime>(p).seconds, as<MicroTime>(p).nanos);
  Reader reader(bytes);
  while (!reader.done()) {
    Reader::Field field;
    KPP_RETURN_IF_ERROR(reader.next(field));
    if (type == FieldType::kIntOrString) {
      auto& value = as<IntOrString>(p);
      if (field.number == 1 && field.wire == 0) value.is_string = field.integer != 0;
      if (field.number == 2 && field.wire == 0)
        value.int_value = static_cast<std::int32_t>(field.integer);
      if (field.number == 3 && field.wire == 2) value.string_value.assign(field.content);
    } else if (field.number == 1 && field.wire == 2) {
      if (type == FieldType::kQuantity) as<Quantity>(p).text.assign(field.content);
      if (type == FieldType::kRawJson) as<RawJson>(p).json.assign(field.content);
      if (type == FieldType::kStringList) as<StringList>(p).items.emplace_back(field.content);
    }
  }
  return {};
}

Status decode_element(const Reader::Field& in, const FieldDesc& field, void* p, int depth) {
  if (scalar(field.type)) {
    if (in.wire != 0) return wrong_wire(field, in.wire);
    set_integer(field.type, p, in.integer);
    return {};
  }
  if (field.type == FieldType::kDouble) {
    if (in.wire != 1) return wrong_wire(field, in.wire);
    as<double>(p) = std::bit_cast<double>(in.integer);
    return {};
  }
  if (in.wire != 2) return wrong_wire(field, in.wire);
  switch (field.type) {
    case FieldType::kString:
    case FieldType::kBytes:
    case FieldType::kDuration:
      as<std::string>(p).assign(in.content);
      return {};
    case FieldType::kMessage:
      return decode_message(in.content, *field.message(), p, depth + 1);
    default:
      return decode_special(field.type, in.content, p);
  }
}

Status decode_entry(std::string_view bytes, const FieldDesc& field, void* map, const TypeOps& ops,
                    int depth) {
  std::string key;
  Reader::Field value;
  bool has_value = false;
  Reader reader(bytes);
  while (!reader.done()) {
    Reader::Field part;
    KPP_RETURN_IF_ERROR(reader.next(part));
    if (part.number == 1 && part.wire == 2) key.assign(part.content);
    if (part.number == 2) {
      value = part;
      has_value = true;
    }
  }
  void* slot = ops.map_add(map, key);
  return has_value ? decode_element(value, field, slot, depth) : Status();
}

Status decode_list(const Reader::Field& in, const FieldDesc& field, void* list, const TypeOps& ops,
                   int depth) {
  if (in.wire != 2 || !scalar(field.type))
    return decode_element(in, field, ops.list_add(list), depth);
  Reader packed(in.content);
  while (!packed.done()) {
    std::uint64_t value = 0;
    if (!packed.varint(value)) return truncated();
    set_integer(field.type, ops.list_add(list), value);
  }
  return {};
}

Status decode_message(std::string_view bytes, const TypeDesc& desc, void* out, int depth) {
  if (depth > kMaxDepth) return bad("message is nested too deeply");
  Reader reader(bytes);
  while (!reader.done()) {
    Reader::Field in;
    KPP_RETURN_IF_ERROR(reader.next(in));
    const FieldDesc* field = desc.find_number(in.number);
    if (field == nullptr) continue;
    void* member = member_of(out, *field);
    const TypeOps& ops = element_ops(*field);
    Status status;
    switch (field->cardinality) {
      case Cardinality::kValue:
        status = decode_element(in, *field, member, depth);
        break;
      case Cardinality::kOptional: {
        void* inner = const_cast<void*>(ops.opt_get(member));
        status = decode_element(in, *field, inner != nullptr ? inner : ops.opt_make(member), depth);
        break;
      }
      case Cardinality::kList:
        status = decode_list(in, *field, member, ops, depth);
        break;
      case Cardinality::kMap:
        status = in.wire == 2 ? decode_entry(in.content, *field, member, ops, depth)
                              : wrong_wire(*field, in.wire);
        break;
    }
    KPP_RETURN_IF_ERROR(std::move(status));
  }
  return {};
}

}  // namespace

Status from_proto(std::string_view bytes, const TypeDesc& desc, void* out) {
  return decode_message(bytes, desc, out, 0);
}

Result<Envelope> parse_envelope(std::string_view bytes) {
  constexpr std::string_view kMagic("k8s\0", 4);
  if (!bytes.starts_with(kMagic)) {
    return fail(
        Reason::kBadRequest,
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  Envelope out;
  Reader reader(bytes.substr(kMagic.size()));
  while (!reader.done()) {
    Reader::Field field;
    KPP_RETURN_IF_ERROR(reader.next(field));
    if (field.wire != 2) continue;
    if (field.number == 2) out.raw.assign(field.content);
    if (field.number != 1) continue;
    Reader meta(field.content);
    while (!meta.done()) {
      Reader::Field part;
      KPP_RETURN_IF_ERROR(meta.next(part));
      if (part.wire != 2) continue;
      if (part.number == 1) out.api_version.assign(part.content);
      if (part.number == 2) out.kind.assign(part.content);
    }
  }
  return out;
}

}  // namespace kpp::api
