// The encoder: one walk over the schema, into text or into a document.
#include "api/base64.h"
#include "api/field_ops.h"
#include "api/json_codec.h"
#include "api/meta.h"
#include "api/time_text.h"

namespace kpp::api {
namespace {

template <class T>
const T& as(const void* p) {
  return *static_cast<const T*>(p);
}

// Appends compact text. A comma is due unless the last character opened an object or array or ended
// a key.
class TextSink {
 public:
  explicit TextSink(std::string& out) : out_(out) {}

  void begin_object() {
    separate();
    out_.push_back('{');
  }
  void end_object() { out_.push_back('}'); }
  void begin_array() {
    separate();
    out_.push_back('[');
    fresh_ = true;
  }
  void end_array() {
    fresh_ = false;
    out_.push_back(']');
  }
  void name(std::string_view plain) {  // needs no escapes
    if (out_.back() != '{') out_.push_back(',');
    out_.push_back('"');
    out_.append(plain);
    out_.append("\":");
    fresh_ = true;
  }
  void key(std::string_view any) {
    if (out_.back() != '{') out_.push_back(',');
    json::write_string(out_, any);
    out_.push_back(':');
    fresh_ = true;
  }
  void text(std::string_view v) {
    separate();
    json::write_string(out_, v);
  }
  void plain_text(std::string_view v) {
    separate();
    out_.push_back('"');
    out_.append(v);
    out_.push_back('"');
  }
  template <std::integral T>
  void integer(T v) {
    separate();
    cat_detail::append(out_, v);
  }
  void boolean(bool v) {
    separate();
    out_.append(v ? "true" : "false");
  }
  void number(double v) {
    separate();
    json::write_double(out_, v);
  }
  void null() {
    separate();
    out_.append("null");
  }
  void raw(std::string_view json) {
    separate();
    out_.append(json);
  }

 private:
  void separate() {
    if (!fresh_ && !out_.empty()) out_.push_back(',');
    fresh_ = false;
  }
  std::string& out_;
  bool fresh_ = true;  // nothing precedes the next value in its container
};

// Builds a document.
class DocumentSink {
 public:
  void begin_object() { open(json::Object()); }
  void end_object() { stack_.pop_back(); }
  void begin_array() { open(json::Array()); }
  void end_array() { stack_.pop_back(); }
  void name(std::string_view v) { key_ = v; }
  void key(std::string_view v) { key_ = v; }
  void text(std::string_view v) { add(json::Value(boost::json::string_view(v.data(), v.size()))); }
  void plain_text(std::string_view v) { text(v); }
  template <std::integral T>
  void integer(T v) {
    add(json::Value(v));
  }
  void boolean(bool v) { add(json::Value(v)); }
  void number(double v) { add(json::Value(v)); }
  void null() { add(json::Value(nullptr)); }
  void raw(std::string_view json) {
    auto value = json::parse(json);
    add(value ? std::move(*value) : json::Value(nullptr));
  }
  json::Value take() { return std::move(root_); }

 private:
  json::Value& add(json::Value value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return root_;
    }
    json::Value& top = *stack_.back();
    if (auto* array = top.if_array()) {
      array->push_back(std::move(value));
      return array->back();
    }
    return top.get_object()[key_] = std::move(value);
  }
  template <class C>
  void open(C container) {
    stack_.push_back(&add(json::Value(std::move(container))));
  }

  json::Value root_;
  std::vector<json::Value*> stack_;  // open containers; only the last one grows
  std::string key_;
};

template <class Sink>
class Encoder {
 public:
  explicit Encoder(Sink& sink) : sink_(sink) {}

  void object(const TypeDesc& desc, const void* object, bool type_meta) {
    sink_.begin_object();
    if (type_meta && desc.is_root()) {
      sink_.name("kind");
      sink_.plain_text(desc.gvks.front().kind);
      sink_.name("apiVersion");
      sink_.plain_text(api_version(desc));
    }
    members(desc, object);
    sink_.end_object();
  }

 private:
  void members(const TypeDesc& desc, const void* object) {
    for (const auto& field : desc.fields) {
      const void* member = member_of(object, field);
      if (field.inlined) {
        if (field.cardinality == Cardinality::kValue) {
          members(*field.message(), member);
        } else if (const void* inner = element_ops(field).opt_get(member)) {
          members(*field.message(), inner);
        }
        continue;
      }
      if (!is_present(field, object)) continue;
      sink_.name(field.json_name);
      switch (field.cardinality) {
        case Cardinality::kValue:
          element(field, member);
          break;
        case Cardinality::kOptional:
          if (const void* inner = element_ops(field).opt_get(member)) {
            element(field, inner);
          } else {
            sink_.null();
          }
          break;
        case Cardinality::kList:
          list(field, member);
          break;
        case Cardinality::kMap:
          map(field, member);
          break;
      }
    }
  }

  void list(const FieldDesc& field, const void* list) {
    const TypeOps& ops = element_ops(field);
    const std::size_t size = ops.list_size(list);
    if (size == 0 && field.json_name != "items") return sink_.null();
    sink_.begin_array();
    for (std::size_t i = 0; i < size; ++i) element(field, ops.list_at(list, i));
    sink_.end_array();
  }

  void map(const FieldDesc& field, const void* map) {
    const TypeOps& ops = element_ops(field);
    if (ops.map_size(map) == 0) return sink_.null();
    sink_.begin_object();
    struct Context {
      Encoder* encoder;
      const FieldDesc* field;
    } context{this, &field};
    ops.map_each(map, &context, [](void* c, const std::string& key, const void* value) {
      auto& [encoder, map_field] = *static_cast<Context*>(c);
      encoder->sink_.key(key);
      encoder->element(*map_field, value);
    });
    sink_.end_object();
  }

  void element(const FieldDesc& field, const void* p) {
    switch (field.type) {
      case FieldType::kMessage: {
        const TypeDesc& desc = *field.message();
        // Claim templates are whole objects; items of a list leave their type to the list.
        return object(desc, p, field.json_name == "volumeClaimTemplates");
      }
      case FieldType::kBool:
        return sink_.boolean(as<bool>(p));
      case FieldType::kInt32:
        return sink_.integer(as<std::int32_t>(p));
      case FieldType::kInt64:
        return sink_.integer(as<std::int64_t>(p));
      case FieldType::kUint32:
        return sink_.integer(as<std::uint32_t>(p));
      case FieldType::kUint64:
        return sink_.integer(as<std::uint64_t>(p));
      case FieldType::kDouble:
        return sink_.number(as<double>(p));
      case FieldType::kString:
        return sink_.text(as<std::string>(p));
      case FieldType::kDuration:
        return sink_.text(as<std::string>(p).empty() ? "0s" : as<std::string>(p));
      case FieldType::kBytes: {
        const auto& bytes = as<std::string>(p);
        if (bytes.empty() && field.cardinality == Cardinality::kValue) return sink_.null();
        std::string text;
        append_base64(text, bytes);
        return sink_.plain_text(text);
      }
      case FieldType::kTime: {
        if (as<Time>(p).is_zero()) return sink_.null();
        std::string text;
        append_time(text, as<Time>(p));
        return sink_.plain_text(text);
      }
      case FieldType::kMicroTime: {
        if (as<MicroTime>(p).is_zero()) return sink_.null();
        std::string text;
        append_micro_time(text, as<MicroTime>(p));
        return sink_.plain_text(text);
      }
      case FieldType::kQuantity:
        return sink_.text(as<Quantity>(p).text.empty() ? "0" : as<Quantity>(p).text);
      case FieldType::kIntOrString:
        if (as<IntOrString>(p).is_string) return sink_.text(as<IntOrString>(p).string_value);
        return sink_.integer(as<IntOrString>(p).int_value);
      case FieldType::kRawJson:
        if (as<RawJson>(p).empty()) return sink_.null();
        return sink_.raw(as<RawJson>(p).json);
      case FieldType::kStringList: {
        const auto& items = as<StringList>(p).items;
        if (items.empty()) return sink_.null();
        sink_.begin_array();
        for (const auto& item : items) sink_.text(item);
        return sink_.end_array();
      }
    }
  }

  Sink& sink_;
};

}  // namespace

void to_json(std::string& out, const TypeDesc& desc, const void* object,
             const EncodeOptions& options) {
  TextSink sink(out);
  Encoder(sink).object(desc, object, options.type_meta);
}

json::Value to_document(const TypeDesc& desc, const void* object, const EncodeOptions& options) {
  DocumentSink sink;
  Encoder(sink).object(desc, object, options.type_meta);
  return sink.take();
}

}  // namespace kpp::api
