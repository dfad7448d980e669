// The decoder: walks a document along the schema.
#include <cmath>
#include <limits>

#include "api/base64.h"
#include "api/field_ops.h"
#include "api/json_codec.h"
#include "api/quantity.h"
#include "api/time_text.h"

namespace kpp::api {
namespace {

template <class T>
T& as(void* p) {
  return *static_cast<T*>(p);
}

// Where the decoder is; frames of the callers form a list up to the root.
struct Frame {
  const Frame* up = nullptr;
  std::string_view name;      // a member or a map's key
  std::ptrdiff_t index = -1;  // in an array, if no name
};

std::string path_of(const Frame* frame, std::string_view last) {
  std::string out;
  if (frame != nullptr && frame->up != nullptr) out = path_of(frame->up, {});
  if (frame != nullptr) {
    if (frame->index >= 0) {
      out += cat("[", frame->index, "]");
    } else if (!frame->name.empty()) {
      if (!out.empty()) out.push_back('.');
      out.append(frame->name);
    }
  }
  if (!last.empty()) {
    if (!out.empty()) out.push_back('.');
    out.append(last);
  }
  return out;
}

std::string_view kind_text(const json::Value& v) {
  switch (v.kind()) {
    case boost::json::kind::bool_:
      return "bool";
    case boost::json::kind::string:
      return "string";
    case boost::json::kind::array:
      return "array";
    case boost::json::kind::object:
      return "object";
    case boost::json::kind::null:
      return "null";
    default:
      return "number";
  }
}

std::string number_text(const json::Value& v) {
  if (const double* d = v.if_double();
      d != nullptr && *d == std::floor(*d) && std::fabs(*d) < 1e15) {
    return cat(static_cast<std::int64_t>(*d), ".0");
  }
  return json::write(v);
}

// The element's type as the original's messages name it.
std::string go_element(const FieldDesc& field) {
  switch (field.type) {
    case FieldType::kMessage:
      return cat(field.message()->go_package, ".", field.message()->name);
    case FieldType::kBool:
      return "bool";
    case FieldType::kInt32:
      return "int32";
    case FieldType::kInt64:
      return "int64";
    case FieldType::kUint32:
      return "uint32";
    case FieldType::kUint64:
      return "uint64";
    case FieldType::kDouble:
      return "float64";
    case FieldType::kBytes:
      return "[]uint8";
    case FieldType::kQuantity:
      return "resource.Quantity";
    case FieldType::kIntOrString:
      return "intstr.IntOrString";
    case FieldType::kTime:
      return "v1.Time";
    case FieldType::kMicroTime:
      return "v1.MicroTime";
    case FieldType::kRawJson:
      return "runtime.RawExtension";
    case FieldType::kStringList:
      return "[]string";
    case FieldType::kString:
    case FieldType::kDuration:
      return "string";
  }
  return {};
}

std::string go_type(const FieldDesc& field) {
  if (field.cardinality == Cardinality::kList) return cat("[]", go_element(field));
  if (field.cardinality != Cardinality::kMap) return go_element(field);
  return field.type == FieldType::kQuantity ? "v1.ResourceList"
                                            : cat("map[string]", go_element(field));
}

class Decoder {
 public:
  explicit Decoder(const DecodeOptions& options) : options_(options) {}

  Status root(const json::Value& document, const TypeDesc& desc, void* out) {
    const auto* object = document.if_object();
    if (object == nullptr) {
      if (document.is_null()) return {};
      return {Reason::kBadRequest, cat("json: cannot unmarshal ", kind_text(document),
                                       " into Go value of type ", desc.go_package, ".", desc.name)};
    }
    const Frame frame;
    members(*object, desc, out, &frame, &desc);
    return !fatal_.ok() ? std::move(fatal_) : std::move(first_);
  }

 private:
  // The first type error is answered at the end; decoding goes on, as the original's does.
  void type_error(const json::Value& v, const TypeDesc& in, const Frame* at, std::string_view type,
                  bool with_number) {
    if (!first_.ok()) return;
    std::string path;
    for (const Frame* f = at; f != nullptr; f = f->up) {
      if (f->index >= 0 || f->name.empty() || is_key(f)) continue;
      path = path.empty() ? std::string(f->name) : cat(f->name, ".", path);
    }
    first_ = Status(
        Reason::kBadRequest,
        cat("json: cannot unmarshal ", kind_text(v), with_number ? cat(" ", number_text(v)) : "",
            " into Go struct field ", in.name, ".", path, " of type ", type));
  }
  // Frames of map keys carry the index -2.
  static bool is_key(const Frame* f) { return f->index == -2; }

  void members(const json::Object& object, const TypeDesc& desc, void* out, const Frame* at,
               const TypeDesc* in) {
    for (const auto& member : object) {
      if (!fatal_.ok()) return;
      const std::string_view name(member.key().data(), member.key().size());
      std::size_t base = 0;
      const FieldDesc* field = desc.find(name, base);
      if (field == nullptr) {
        if (desc.is_root() && (name == "kind" || name == "apiVersion")) {
          const Frame frame{at, name};
          if (!member.value().is_string() && !member.value().is_null()) {
            type_error(member.value(), *in, &frame, "string", false);
          }
        } else if (options_.unknown_fields != nullptr) {
          options_.unknown_fields->push_back(path_of(at, name));
        }
        continue;
      }
      const Frame frame{at, field->json_name};
      decode(member.value(), *field, static_cast<char*>(out) + base, &frame, *in);
    }
  }

  void decode(const json::Value& v, const FieldDesc& field, void* object, const Frame* at,
              const TypeDesc& in) {
    void* member = member_of(object, field);
    if (v.is_null()) {
      if (field.type != FieldType::kMessage || field.cardinality != Cardinality::kValue)
        clear_field(field, object);
      return;
    }
    switch (field.cardinality) {
      case Cardinality::kValue:
        return element(v, field, member, at, in);
      case Cardinality::kOptional: {
        const TypeOps& ops = element_ops(field);
        void* inner = const_cast<void*>(ops.opt_get(member));
        return element(v, field, inner != nullptr ? inner : ops.opt_make(member), at, in);
      }
      case Cardinality::kList: {
        const auto* array = v.if_array();
        if (array == nullptr) return type_error(v, in, at, go_type(field), false);
        const TypeOps& ops = element_ops(field);
        ops.list_clear(member);
        std::ptrdiff_t i = 0;
        for (const auto& item : *array) {
          const Frame frame{at, {}, i++};
          void* slot = ops.list_add(member);
          if (!item.is_null()) element(item, field, slot, &frame, in);
        }
        return;
      }
      case Cardinality::kMap: {
        const auto* members_of_map = v.if_object();
        if (members_of_map == nullptr) return type_error(v, in, at, go_type(field), false);
        const TypeOps& ops = element_ops(field);
        ops.map_clear(member);
        for (const auto& entry : *members_of_map) {
          const std::string key(entry.key().data(), entry.key().size());
          const Frame frame{at, key, -2};
          void* slot = ops.map_add(member, key);
          if (!entry.value().is_null()) element(entry.value(), field, slot, &frame, in);
        }
        return;
      }
    }
  }

  template <class T>
  void integer(const json::Value& v, void* p, const Frame* at, const TypeDesc& in,
               std::string_view type) {
    if (const auto* i = v.if_int64(); i != nullptr && std::in_range<T>(*i)) {
      as<T>(p) = static_cast<T>(*i);
    } else if (const auto* u = v.if_uint64(); u != nullptr && std::in_range<T>(*u)) {
      as<T>(p) = static_cast<T>(*u);
    } else {
      type_error(v, in, at, type, v.is_number());
    }
  }

  void element(const json::Value& v, const FieldDesc& field, void* p, const Frame* at,
               const TypeDesc& in) {
    switch (field.type) {
      case FieldType::kMessage: {
        const TypeDesc& desc = *field.message();
        const auto* object = v.if_object();
        if (object == nullptr) return type_error(v, in, at, go_element(field), false);
        return members(*object, desc, p, at, &desc);
      }
      case FieldType::kBool:
        if (!v.is_bool()) return type_error(v, in, at, "bool", false);
        as<bool>(p) = v.get_bool();
        return;
      case FieldType::kInt32:
        return integer<std::int32_t>(v, p, at, in, "int32");
      case FieldType::kInt64:
        return integer<std::int64_t>(v, p, at, in, "int64");
      case FieldType::kUint32:
        return integer<std::uint32_t>(v, p, at, in, "uint32");
      case FieldType::kUint64:
        return integer<std::uint64_t>(v, p, at, in, "uint64");
      case FieldType::kDouble:
        if (!v.is_number()) return type_error(v, in, at, "float64", false);
        as<double>(p) = v.is_double()  ? v.get_double()
                        : v.is_int64() ? static_cast<double>(v.get_int64())
                                       : static_cast<double>(v.get_uint64());
        return;
      case FieldType::kRawJson:
        as<RawJson>(p).json = json::write(v);
        return;
      case FieldType::kQuantity:
        return quantity(v, p);
      case FieldType::kIntOrString:
        if (v.is_string()) {
          as<IntOrString>(p) =
              IntOrString(std::string_view(v.get_string().data(), v.get_string().size()));
        } else {
          std::int32_t number = 0;
          integer<std::int32_t>(v, &number, at, in, "int32");
          as<IntOrString>(p) = IntOrString(number);
        }
        return;
      case FieldType::kStringList: {
        const auto* array = v.if_array();
        if (array == nullptr) return type_error(v, in, at, "[]string", false);
        auto& items = as<StringList>(p).items;
        items.clear();
        for (const auto& item : *array) {
          if (!item.is_string() && !item.is_null()) type_error(item, in, at, "string", false);
          items.emplace_back(item.is_string() ? std::string(item.get_string()) : std::string());
        }
        return;
      }
      default:
        break;
    }
    // What is a string in JSON.
    if (!v.is_string()) {
      return type_error(v, in, at, field.type == FieldType::kBytes ? "[]uint8" : "string", false);
    }
    text({v.get_string().data(), v.get_string().size()}, field, p);
  }

  void text(std::string_view text, const FieldDesc& field, void* p) {
    switch (field.type) {
      case FieldType::kTime:
        return keep(parse_time(text), as<Time>(p));
      case FieldType::kMicroTime:
        return keep(parse_micro_time(text), as<MicroTime>(p));
      case FieldType::kBytes: {
        auto bytes = decode_base64(text);
        if (bytes) {
          as<std::string>(p) = std::move(*bytes);
        } else if (first_.ok()) {
          first_ = std::move(bytes).error();
        }
        return;
      }
      default:
        as<std::string>(p).assign(text);
    }
  }

  void quantity(const json::Value& v, void* p) {
    std::string number;
    if (!v.is_string()) number = json::write(v);
    const std::string_view text =
        v.is_string() ? std::string_view(v.get_string().data(), v.get_string().size())
                      : std::string_view(number);
    keep(decode_quantity(text), as<Quantity>(p).text);
  }

  // Values with parsers of their own end the decoding when they fail.
  template <class T>
  void keep(Result<T> value, T& out) {
    if (value) {
      out = std::move(*value);
    } else {
      fatal_ = std::move(value).error();
    }
  }

  const DecodeOptions& options_;
  Status first_;
  Status fatal_;
};

}  // namespace

Status from_json(const json::Value& document, const TypeDesc& desc, void* out,
                 const DecodeOptions& options) {
  return Decoder(options).root(document, desc, out);
}

}  // namespace kpp::api
