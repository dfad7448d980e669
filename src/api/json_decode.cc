// The decoder: walks a document, or text, along the schema.
#include <array>
#include <cmath>
#include <limits>

#include "api/base64.h"
#include "api/field_ops.h"
#include "api/json_body.h"
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

// A value of a document.
class DocumentNode {
 public:
  explicit DocumentNode(const json::Value& v) : v_(v) {}

  bool is_null() const { return v_.is_null(); }
  bool is_bool() const { return v_.is_bool(); }
  bool is_string() const { return v_.is_string(); }
  bool is_number() const { return v_.is_number(); }
  bool is_array() const { return v_.is_array(); }
  bool is_object() const { return v_.is_object(); }
  bool boolean() const { return v_.get_bool(); }
  std::string_view text() const { return {v_.get_string().data(), v_.get_string().size()}; }
  const std::int64_t* if_int64() const { return v_.if_int64(); }
  const std::uint64_t* if_uint64() const { return v_.if_uint64(); }
  const double* if_double() const { return v_.if_double(); }
  std::string compact() const { return json::write(v_); }
  std::string raw() const { return compact(); }
  template <class F>
  void members(F visit) const {
    for (const auto& member : v_.get_object()) {
      visit(std::string_view(member.key().data(), member.key().size()),
            DocumentNode(member.value()));
    }
  }
  template <class F>
  void items(F visit) const {
    for (const auto& item : v_.get_array()) visit(DocumentNode(item));
  }

 private:
  const json::Value& v_;
};

// The value that a reader stands at. What is not visited is skipped by the reader.
class TextNode {
 public:
  explicit TextNode(json::Reader& reader) : reader_(reader) {}

  bool is_null() const { return is(json::Reader::Kind::kNull); }
  bool is_bool() const { return is(json::Reader::Kind::kBool); }
  bool is_string() const { return is(json::Reader::Kind::kString); }
  bool is_number() const { return is(json::Reader::Kind::kNumber); }
  bool is_array() const { return is(json::Reader::Kind::kArray); }
  bool is_object() const { return is(json::Reader::Kind::kObject); }
  bool boolean() const { return reader_.boolean(); }
  std::string_view text() const { return reader_.text(); }
  const std::int64_t* if_int64() const { return reader_.if_int64(); }
  const std::uint64_t* if_uint64() const { return reader_.if_uint64(); }
  const double* if_double() const { return reader_.if_double(); }
  std::string compact() const { return reader_.compact(); }
  std::string raw() const { return std::string(reader_.raw()); }
  template <class F>
  void members(F visit) const {
    reader_.members([&](std::string_view name) { visit(name, *this); });
  }
  template <class F>
  void items(F visit) const {
    reader_.items([&] { visit(*this); });
  }

 private:
  bool is(json::Reader::Kind kind) const { return reader_.kind() == kind; }
  json::Reader& reader_;
};

template <class Node>
std::string_view kind_text(const Node& v) {
  return v.is_bool()     ? "bool"
         : v.is_string() ? "string"
         : v.is_array()  ? "array"
         : v.is_object() ? "object"
         : v.is_null()   ? "null"
                         : "number";
}

template <class Node>
std::string number_text(const Node& v) {
  if (const double* d = v.if_double();
      d != nullptr && *d == std::floor(*d) && std::fabs(*d) < 1e15) {
    return cat(static_cast<std::int64_t>(*d), ".0");
  }
  return v.compact();
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

// What is noted of a body on the way. `odd`: something about it wants a report.
struct Notes {
  JsonBody body;
  bool odd = false;
};

// The members of one object that were seen: finds those that stand twice. Objects of very many
// members count as odd.
class SeenMembers {
 public:
  bool add(const FieldDesc* field) {
    for (std::size_t i = 0; i < count_; ++i) {
      if (fields_[i] == field) return false;
    }
    if (count_ == fields_.size()) return false;
    fields_[count_++] = field;
    return true;
  }

 private:
  std::array<const FieldDesc*, 64> fields_;
  std::size_t count_ = 0;
};

template <class Node>
class Decoder {
 public:
  explicit Decoder(const DecodeOptions& options, Notes* notes = nullptr)
      : options_(options), notes_(notes) {}

  Status root(const Node& document, const TypeDesc& desc, void* out) {
    if (!document.is_object()) {
      if (document.is_null()) return {};
      return {Reason::kBadRequest, cat("json: cannot unmarshal ", kind_text(document),
                                       " into Go value of type ", desc.go_package, ".", desc.name)};
    }
    const Frame frame;
    members(document, desc, out, &frame, &desc);
    return !fatal_.ok() ? std::move(fatal_) : std::move(first_);
  }

 private:
  // The first type error is answered at the end; decoding goes on, as the original's does.
  void type_error(const Node& v, const TypeDesc& in, const Frame* at, std::string_view type,
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

  void members(const Node& object, const TypeDesc& desc, void* out, const Frame* at,
               const TypeDesc* in) {
    // Members mostly come in the order of the schema: the search begins where the last one ended.
    std::size_t next = 0;
    SeenMembers seen;
    object.members([&](std::string_view name, const Node& value) {
      if (!fatal_.ok() || given_up()) return;
      std::size_t base = 0;
      const FieldDesc* field = find_from(desc, name, next, base);
      if (field == nullptr) {
        if (desc.is_root() && (name == "kind" || name == "apiVersion")) {
          const Frame frame{at, name};
          if (!value.is_string() && !value.is_null()) {
            type_error(value, *in, &frame, "string", false);
          } else if (notes_ != nullptr) {
            note_type(name, value);
          }
        } else if (notes_ != nullptr) {
          notes_->odd = true;
        } else if (options_.unknown_fields != nullptr) {
          options_.unknown_fields->push_back(path_of(at, name));
        }
        return;
      }
      if (notes_ != nullptr && !seen.add(field)) {
        notes_->odd = true;
        return;
      }
      if (options_.without_managed_fields && field->json_name == "managedFields") return;
      const Frame frame{at, field->json_name};
      decode(value, *field, static_cast<char*>(out) + base, &frame, *in);
    });
  }

  // With notes nothing is worth reading on for once something is odd.
  bool given_up() const { return notes_ != nullptr && (notes_->odd || !first_.ok()); }

  // kind or apiVersion.
  void note_type(std::string_view name, const Node& value) {
    std::string& kept = name == "kind" ? notes_->body.kind : notes_->body.api_version;
    if (!kept.empty()) notes_->odd = true;
    if (value.is_string()) kept = value.text();
  }
  void note_empty_list(const Frame* at) {
    for (const Frame* f = at; f != nullptr; f = f->up) {
      if (f->index >= 0) return;
    }
    notes_->body.empty_lists.push_back(path_of(at, {}));
  }

  static const FieldDesc* find_from(const TypeDesc& desc, std::string_view name, std::size_t& next,
                                    std::size_t& base) {
    for (std::size_t i = next; i < desc.fields.size(); ++i) {
      const FieldDesc& field = desc.fields[i];
      if (field.inlined || field.json_name != name) continue;
      next = i + 1;
      return &field;
    }
    return desc.find(name, base);
  }

  void decode(const Node& v, const FieldDesc& field, void* object, const Frame* at,
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
        if (!v.is_array()) return type_error(v, in, at, go_type(field), false);
        const TypeOps& ops = element_ops(field);
        ops.list_clear(member);
        std::ptrdiff_t i = 0;
        v.items([&](const Node& item) {
          const Frame frame{at, {}, i++};
          void* slot = ops.list_add(member);
          if (!item.is_null()) element(item, field, slot, &frame, in);
        });
        if (notes_ != nullptr && i == 0) note_empty_list(at);
        return;
      }
      case Cardinality::kMap: {
        if (!v.is_object()) return type_error(v, in, at, go_type(field), false);
        const TypeOps& ops = element_ops(field);
        ops.map_clear(member);
        std::size_t count = 0;
        v.members([&](std::string_view name, const Node& value) {
          ++count;
          const std::string key(name);
          const Frame frame{at, key, -2};
          void* slot = ops.map_add(member, key);
          if (!value.is_null()) element(value, field, slot, &frame, in);
        });
        if (notes_ != nullptr && ops.map_size(member) != count) notes_->odd = true;
        return;
      }
    }
  }

  template <class T>
  void integer(const Node& v, void* p, const Frame* at, const TypeDesc& in, std::string_view type) {
    if (const auto* i = v.if_int64(); i != nullptr && std::in_range<T>(*i)) {
      as<T>(p) = static_cast<T>(*i);
    } else if (const auto* u = v.if_uint64(); u != nullptr && std::in_range<T>(*u)) {
      as<T>(p) = static_cast<T>(*u);
    } else {
      type_error(v, in, at, type, v.is_number());
    }
  }

  void element(const Node& v, const FieldDesc& field, void* p, const Frame* at,
               const TypeDesc& in) {
    switch (field.type) {
      case FieldType::kMessage: {
        const TypeDesc& desc = *field.message();
        if (!v.is_object()) return type_error(v, in, at, go_element(field), false);
        return members(v, desc, p, at, &desc);
      }
      case FieldType::kBool:
        if (!v.is_bool()) return type_error(v, in, at, "bool", false);
        as<bool>(p) = v.boolean();
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
        as<double>(p) = v.if_double()  ? *v.if_double()
                        : v.if_int64() ? static_cast<double>(*v.if_int64())
                                       : static_cast<double>(*v.if_uint64());
        return;
      case FieldType::kRawJson:
        as<RawJson>(p).json = v.raw();
        return;
      case FieldType::kQuantity:
        return quantity(v, p);
      case FieldType::kIntOrString:
        if (v.is_string()) {
          as<IntOrString>(p) = IntOrString(v.text());
        } else {
          std::int32_t number = 0;
          integer<std::int32_t>(v, &number, at, in, "int32");
          as<IntOrString>(p) = IntOrString(number);
        }
        return;
      case FieldType::kStringList: {
        if (!v.is_array()) return type_error(v, in, at, "[]string", false);
        auto& items = as<StringList>(p).items;
        items.clear();
        v.items([&](const Node& item) {
          if (!item.is_string() && !item.is_null()) type_error(item, in, at, "string", false);
          items.emplace_back(item.is_string() ? item.text() : std::string_view());
        });
        return;
      }
      default:
        break;
    }
    // What is a string in JSON.
    if (!v.is_string()) {
      return type_error(v, in, at, field.type == FieldType::kBytes ? "[]uint8" : "string", false);
    }
    text(v.text(), field, p);
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

  void quantity(const Node& v, void* p) {
    std::string number;
    if (!v.is_string()) number = v.compact();
    keep(decode_quantity(v.is_string() ? v.text() : number), as<Quantity>(p).text);
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
  Notes* notes_;
  Status first_;
  Status fatal_;
};

}  // namespace

Status from_json(const json::Value& document, const TypeDesc& desc, void* out,
                 const DecodeOptions& options) {
  return Decoder<DocumentNode>(options).root(DocumentNode(document), desc, out);
}

Status from_json(json::Reader& reader, const TypeDesc& desc, void* out,
                 const DecodeOptions& options) {
  return Decoder<TextNode>(options).root(TextNode(reader), desc, out);
}

std::optional<JsonBody> read_json_body(std::string_view text, const TypeDesc& desc, void* out) {
  json::Reader reader(text);
  if (reader.kind() != json::Reader::Kind::kObject) return std::nullopt;
  const DecodeOptions options;
  Notes notes;
  const Status decoded = Decoder<TextNode>(options, &notes).root(TextNode(reader), desc, out);
  if (!decoded.ok() || notes.odd || !reader.finish().ok()) return std::nullopt;
  return std::move(notes.body);
}

Status from_json_text(std::string_view text, const TypeDesc& desc, void* out,
                      const DecodeOptions& options) {
  json::Reader reader(text);
  Status decoded = from_json(reader, desc, out, options);
  KPP_RETURN_IF_ERROR(reader.finish());
  return decoded;
}

}  // namespace kpp::api
