// The protobuf encoder. Fields in ascending order of their numbers, as generated marshallers write
// them.
#include <algorithm>
#include <bit>
#include <unordered_map>

#include "api/field_ops.h"
#include "api/meta.h"
#include "api/proto_codec.h"

namespace kpp::api {
namespace {

template <class T>
const T& as(const void* p) {
  return *static_cast<const T*>(p);
}

enum Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

using Fields = std::vector<const FieldDesc*>;

// The fields of every type by number.
const Fields& by_number(const TypeDesc& desc) {
  static const auto kIndex = [] {
    std::unordered_map<const TypeDesc*, Fields> out;
    for (const TypeDesc* type : all_types()) {
      Fields& fields = out[type];
      for (const auto& field : type->fields) fields.push_back(&field);
      std::sort(fields.begin(), fields.end(),
                [](const auto* a, const auto* b) { return a->number < b->number; });
    }
    return out;
  }();
  return kIndex.at(&desc);
}

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  void message(const TypeDesc& desc, const void* object) {
    const bool proto3 = desc.package == "runtime.v1" || desc.package == "etcdserverpb";
    for (const FieldDesc* field : by_number(desc)) {
      const void* member = member_of(object, *field);
      const TypeOps& ops = element_ops(*field);
      switch (field->cardinality) {
        case Cardinality::kValue:
          if (proto3 ? !is_zero(field->type, member)
                     : !(field->type == FieldType::kBytes && is_zero(field->type, member))) {
            element(*field, field->number, member);
          }
          break;
        case Cardinality::kOptional:
          if (const void* inner = ops.opt_get(member)) element(*field, field->number, inner);
          break;
        case Cardinality::kList:
          list(*field, member, ops, proto3);
          break;
        case Cardinality::kMap:
          map(*field, member, ops);
          break;
      }
    }
  }

  void tag(std::uint32_t number, Wire wire) { varint(std::uint64_t{number} << 3 | wire); }
  void varint(std::uint64_t v) {
    while (v >= 0x80) {
      out_.push_back(static_cast<char>(v | 0x80));
      v >>= 7;
    }
    out_.push_back(static_cast<char>(v));
  }
  void bytes(std::uint32_t number, std::string_view v) {
    tag(number, kBytes);
    varint(v.size());
    out_.append(v);
  }
  void number(std::uint32_t field, std::uint64_t v) {
    tag(field, kVarint);
    varint(v);
  }
  // A field with a length that is known when its content is written.
  template <class F>
  void nested(std::uint32_t number, F&& content) {
    tag(number, kBytes);
    const std::size_t at = out_.size();
    out_.push_back(0);
    content();
    std::size_t size = out_.size() - at - 1;
    if (size < 0x80) {
      out_[at] = static_cast<char>(size);
      return;
    }
    char length[10];
    int n = 0;
    while (size >= 0x80) {
      length[n++] = static_cast<char>(size | 0x80);
      size >>= 7;
    }
    length[n++] = static_cast<char>(size);
    out_[at] = length[0];
    out_.insert(at + 1, length + 1, static_cast<std::size_t>(n - 1));
  }

 private:
  static bool packs(FieldType type) {
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

  void list(const FieldDesc& field, const void* list, const TypeOps& ops, bool proto3) {
    const std::size_t size = ops.list_size == nullptr ? 0 : ops.list_size(list);
    if (proto3 && size > 0 && packs(field.type)) {
      return nested(field.number, [&] {
        for (std::size_t i = 0; i < size; ++i) varint(integer(field.type, ops.list_at(list, i)));
      });
    }
    for (std::size_t i = 0; i < size; ++i) element(field, field.number, ops.list_at(list, i));
  }

  void map(const FieldDesc& field, const void* map, const TypeOps& ops) {
    struct Context {
      Encoder* encoder;
      const FieldDesc* field;
    } context{this, &field};
    ops.map_each(map, &context, [](void* c, const std::string& key, const void* value) {
      auto& [encoder, map_field] = *static_cast<Context*>(c);
      encoder->nested(map_field->number, [&] {
        encoder->bytes(1, key);
        encoder->element(*map_field, 2, value);
      });
    });
  }

  static std::uint64_t integer(FieldType type, const void* p) {
    switch (type) {
      case FieldType::kBool:
        return as<bool>(p) ? 1 : 0;
      case FieldType::kInt32:
        return static_cast<std::uint64_t>(std::int64_t{as<std::int32_t>(p)});
      case FieldType::kInt64:
        return static_cast<std::uint64_t>(as<std::int64_t>(p));
      case FieldType::kUint32:
        return as<std::uint32_t>(p);
      default:
        return as<std::uint64_t>(p);
    }
  }

  void element(const FieldDesc& field, std::uint32_t at, const void* p) {
    switch (field.type) {
      case FieldType::kMessage:
        return nested(at, [&] { message(*field.message(), p); });
      case FieldType::kBool:
      case FieldType::kInt32:
      case FieldType::kInt64:
      case FieldType::kUint32:
      case FieldType::kUint64:
        return number(at, integer(field.type, p));
      case FieldType::kDouble: {
        tag(at, kFixed64);
        auto bits = std::bit_cast<std::uint64_t>(as<double>(p));
        for (int i = 0; i < 8; ++i, bits >>= 8) out_.push_back(static_cast<char>(bits));
        return;
      }
      case FieldType::kString:
      case FieldType::kDuration:
      case FieldType::kBytes:
        return bytes(at, as<std::string>(p));
      case FieldType::kTime:
        return nested(at, [&] {
          if (as<Time>(p).is_zero()) return;
          number(1, static_cast<std::uint64_t>(as<Time>(p).seconds));
          number(2, 0);
        });
      case FieldType::kMicroTime:
        return nested(at, [&] {
          if (as<MicroTime>(p).is_zero()) return;
          number(1, static_cast<std::uint64_t>(as<MicroTime>(p).seconds));
          number(2, static_cast<std::uint64_t>(as<MicroTime>(p).nanos / 1000 * 1000));
        });
      case FieldType::kQuantity: {
        const auto& text = as<Quantity>(p).text;
        return nested(
            at, [&] { bytes(1, text.empty() ? std::string_view("0") : std::string_view(text)); });
      }
      case FieldType::kIntOrString:
        return nested(at, [&] {
          const auto& v = as<IntOrString>(p);
          number(1, v.is_string ? 1 : 0);
          number(2, static_cast<std::uint64_t>(std::int64_t{v.int_value}));
          bytes(3, v.string_value);
        });
      case FieldType::kRawJson:
        return nested(at, [&] {
          if (!as<RawJson>(p).empty()) bytes(1, as<RawJson>(p).json);
        });
      case FieldType::kStringList:
        return nested(at, [&] {
          for (const auto& item : as<StringList>(p).items) bytes(1, item);
        });
    }
  }

  std::string& out_;
};

}  // namespace

void to_proto(std::string& out, const TypeDesc& desc, const void* message) {
  Encoder(out).message(desc, message);
}

std::string make_envelope(std::string_view version, std::string_view kind, std::string_view raw) {
  std::string out("k8s\0", 4);
  Encoder encoder(out);
  encoder.nested(1, [&] {
    encoder.bytes(1, version);
    encoder.bytes(2, kind);
  });
  encoder.bytes(2, raw);
  encoder.bytes(3, {});
  encoder.bytes(4, {});
  return out;
}

std::string to_envelope(const TypeDesc& desc, const void* object) {
  std::string out("k8s\0", 4);
  Encoder encoder(out);
  encoder.nested(1, [&] {
    encoder.bytes(1, api_version(desc));
    encoder.bytes(2, desc.gvks.empty() ? desc.name : desc.gvks.front().kind);
  });
  encoder.nested(2, [&] { encoder.message(desc, object); });
  encoder.bytes(3, {});
  encoder.bytes(4, {});
  return out;
}

}  // namespace kpp::api
