#include "api/openapi/document_proto.h"

#include <bit>
#include <cstdint>

namespace kpp::api {
namespace {

std::string_view view(boost::json::string_view v) { return {v.data(), v.size()}; }

// One message. Members of a JSON object become fields by name; what is absent is not written.
class Message {
 public:
  explicit Message(const json::Object& from) : from_(from) {}

  const json::Value* member(std::string_view name) const {
    return from_.if_contains({name.data(), name.size()});
  }

  void bytes(std::uint32_t number, std::string_view value) {
    varint(number << 3 | 2U);
    varint(value.size());
    out_ += value;
  }
  void text(std::uint32_t number, std::string_view name) {
    const json::Value* value = member(name);
    if (value != nullptr && value->is_string() && !value->get_string().empty())
      bytes(number, view(value->get_string()));
  }
  void texts(std::uint32_t number, std::string_view name) {
    const json::Value* value = member(name);
    if (value == nullptr || !value->is_array()) return;
    for (const auto& one : value->get_array()) {
      if (one.is_string()) bytes(number, view(one.get_string()));
    }
  }
  void flag(std::uint32_t number, std::string_view name) {
    const json::Value* value = member(name);
    if (value == nullptr || !value->is_bool() || !value->get_bool()) return;
    varint(number << 3);
    varint(1);
  }
  // A value of any form, as text.
  void any(std::uint32_t number, std::string_view name) {
    if (const json::Value* value = member(name)) bytes(number, any_of(*value));
  }
  void anys(std::uint32_t number, std::string_view name) {
    const json::Value* value = member(name);
    if (value == nullptr || !value->is_array()) return;
    for (const auto& one : value->get_array()) bytes(number, any_of(one));
  }
  // The x-... members.
  void extensions(std::uint32_t number) {
    for (const auto& [name, value] : from_) {
      if (view(name).starts_with("x-")) bytes(number, named(view(name), any_of(value)));
    }
  }
  // An object, by the function that writes its kind.
  void object(std::uint32_t number, std::string_view name,
              std::string (*write)(const json::Object&)) {
    const json::Value* value = member(name);
    if (value != nullptr && value->is_object()) bytes(number, write(value->get_object()));
  }
  void objects(std::uint32_t number, std::string_view name,
               std::string (*write)(const json::Object&)) {
    const json::Value* value = member(name);
    if (value == nullptr || !value->is_array()) return;
    for (const auto& one : value->get_array()) {
      if (one.is_object()) bytes(number, write(one.get_object()));
    }
  }
  // All members as (name, value) pairs.
  void entries(std::uint32_t number, std::string (*write)(const json::Object&)) {
    for (const auto& [name, value] : from_) {
      if (value.is_object()) bytes(number, named(view(name), write(value.get_object())));
    }
  }

  std::string take() { return std::move(out_); }

  static std::string wrapped(std::uint32_t number, std::string_view value) {
    static const json::Object kNone;
    Message out(kNone);
    out.bytes(number, value);
    return out.take();
  }

 private:
  static std::string named(std::string_view name, std::string_view value) {
    std::string out = wrapped(1, name);
    return out += wrapped(2, value);
  }
  static std::string any_of(const json::Value& value) {
    return wrapped(2, json::write(value) + "\n");
  }

  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }

  const json::Object& from_;
  std::string out_;
};

std::string schema(const json::Object& from) {
  Message out(from);
  out.text(1, "$ref");
  out.text(2, "format");
  out.text(3, "title");
  out.text(4, "description");
  out.any(5, "default");
  out.text(13, "pattern");
  out.texts(19, "required");
  out.anys(20, "enum");
  if (const json::Value* more = out.member("additionalProperties")) {
    if (more->is_object()) out.bytes(21, Message::wrapped(1, schema(more->get_object())));
    if (more->is_bool())
      out.bytes(
          21, more->get_bool() ? std::string_view("\x10\x01", 2) : std::string_view("\x10\x00", 2));
  }
  if (const json::Value* type = out.member("type"); type != nullptr && type->is_string()) {
    out.bytes(22, Message::wrapped(1, view(type->get_string())));
  }
  if (const json::Value* items = out.member("items"); items != nullptr && items->is_object()) {
    out.bytes(23, Message::wrapped(1, schema(items->get_object())));
  }
  out.objects(24, "allOf", schema);
  out.object(25, "properties", [](const json::Object& properties) {
    Message all(properties);
    all.entries(1, schema);
    return all.take();
  });
  out.extensions(31);
  return out.take();
}

// A ParametersItem. Where a parameter stands decides its message, and that the numbers of its
// fields.
std::string parameter(const json::Object& from) {
  Message out(from);
  const json::Value* in = out.member("in");
  const std::string_view place =
      in != nullptr && in->is_string() ? view(in->get_string()) : std::string_view();
  if (place == "body") {
    out.text(1, "description");
    out.text(2, "name");
    out.text(3, "in");
    out.flag(4, "required");
    out.object(5, "schema", schema);
    out.extensions(6);
    return Message::wrapped(1, Message::wrapped(1, out.take()));
  }
  const bool query = place == "query";
  out.flag(1, "required");
  out.text(2, "in");
  out.text(3, "description");
  out.text(4, "name");
  out.text(query ? 6 : 5, "type");
  out.text(query ? 7 : 6, "format");
  out.flag(query ? 20 : 19, "uniqueItems");
  out.extensions(query ? 23 : 22);
  return Message::wrapped(1, Message::wrapped(2, Message::wrapped(query ? 3 : 4, out.take())));
}

// A ResponseValue.
std::string response(const json::Object& from) {
  Message out(from);
  out.text(1, "description");
  if (const json::Value* body = out.member("schema"); body != nullptr && body->is_object()) {
    out.bytes(2, Message::wrapped(1, schema(body->get_object())));
  }
  return Message::wrapped(1, out.take());
}

std::string operation(const json::Object& from) {
  Message out(from);
  out.texts(1, "tags");
  out.text(3, "description");
  out.text(5, "operationId");
  out.texts(6, "produces");
  out.texts(7, "consumes");
  out.objects(8, "parameters", parameter);
  out.object(9, "responses", [](const json::Object& responses) {
    Message all(responses);
    all.entries(1, response);
    return all.take();
  });
  out.texts(10, "schemes");
  out.extensions(13);
  return out.take();
}

std::string path_item(const json::Object& from) {
  Message out(from);
  out.object(2, "get", operation);
  out.object(3, "put", operation);
  out.object(4, "post", operation);
  out.object(5, "delete", operation);
  out.object(6, "options", operation);
  out.object(7, "head", operation);
  out.object(8, "patch", operation);
  out.objects(9, "parameters", parameter);
  out.extensions(10);
  return out.take();
}

}  // namespace

std::string openapi_v2_proto(const json::Value& document) {
  if (!document.is_object()) return {};
  Message out(document.get_object());
  out.text(1, "swagger");
  out.object(2, "info", [](const json::Object& from) {
    Message info(from);
    info.text(1, "title");
    info.text(2, "version");
    return info.take();
  });
  out.object(8, "paths", [](const json::Object& from) {
    Message paths(from);
    paths.entries(2, path_item);
    return paths.take();
  });
  out.object(9, "definitions", [](const json::Object& from) {
    Message definitions(from);
    definitions.entries(1, schema);
    return definitions.take();
  });
  out.extensions(16);
  return out.take();
}

}  // namespace kpp::api
