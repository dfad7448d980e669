// The writer: a JSON tree into libyaml's events.
#include <yaml.h>

#include <algorithm>

#include "codec/utf8.h"
#include "codec/yaml.h"
#include "codec/yaml_resolve.h"

namespace kpp::yaml {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

// The digits around `at`, which stands at the first difference of two texts, without zeros in
// front.
std::string_view number_at(std::string_view text, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && is_digit(text[begin - 1])) --begin;
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  while (begin + 1 < end && text[begin] == '0') ++begin;
  return text.substr(begin, end - begin);
}

// The order of keys: numbers inside of them by value; letters behind other signs, but right behind
// a digit before them.
bool key_less(std::string_view a, std::string_view b) {
  const auto [a_end, b_end] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (a_end == a.end() || b_end == b.end()) return a.size() < b.size();
  const auto at = static_cast<std::size_t>(a_end - a.begin());
  const bool after_digit = at > 0 && is_digit(a[at - 1]);
  if (is_letter(a[at]) != is_letter(b[at])) return is_letter(a[at]) == after_digit;
  if (is_digit(a[at]) && is_digit(b[at])) {
    const std::string_view a_number = number_at(a, at);
    const std::string_view b_number = number_at(b, at);
    if (a_number.size() != b_number.size()) return a_number.size() < b_number.size();
    if (a_number != b_number) return a_number < b_number;
  }
  return static_cast<unsigned char>(a[at]) < static_cast<unsigned char>(b[at]);
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = utf8::decode(text, at);
    if (!decoded.valid) return false;
    at += decoded.size;
  }
  return true;
}

class Emitter {
 public:
  explicit Emitter(std::string& out) {
    yaml_emitter_initialize(&emitter_);
    yaml_emitter_set_output(&emitter_, &Emitter::append, &out);
    yaml_emitter_set_unicode(&emitter_, 1);
  }
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;
  ~Emitter() { yaml_emitter_delete(&emitter_); }

  void document(const json::Value& value) {
    yaml_event_t event;
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(event);
    yaml_document_start_event_initialize(&event, nullptr, nullptr, nullptr, 1);
    emit(event);
    node(value);
    yaml_document_end_event_initialize(&event, 1);
    emit(event);
    yaml_stream_end_event_initialize(&event);
    emit(event);
  }

 private:
  static int append(void* out, unsigned char* data, std::size_t size) {
    static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(data), size);
    return 1;
  }

  void emit(yaml_event_t& event) { yaml_emitter_emit(&emitter_, &event); }

  void node(const json::Value& value) {
    switch (value.kind()) {
      case boost::json::kind::object:
        object(value.get_object());
        break;
      case boost::json::kind::array:
        array(value.get_array());
        break;
      case boost::json::kind::string:
        string({value.get_string().data(), value.get_string().size()});
        break;
      default:
        scalar(json::write(value), YAML_PLAIN_SCALAR_STYLE);
        break;
    }
  }

  void object(const json::Object& members) {
    std::vector<const json::Object::value_type*> sorted;
    for (const auto& member : members) sorted.push_back(&member);
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
      return key_less({a->key().data(), a->key().size()}, {b->key().data(), b->key().size()});
    });
    yaml_event_t event;
    yaml_mapping_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_MAPPING_STYLE);
    emit(event);
    for (const auto* member : sorted) {
      string({member->key().data(), member->key().size()});
      node(member->value());
    }
    yaml_mapping_end_event_initialize(&event);
    emit(event);
  }

  void array(const json::Array& items) {
    yaml_event_t event;
    yaml_sequence_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_SEQUENCE_STYLE);
    emit(event);
    for (const auto& item : items) node(item);
    yaml_sequence_end_event_initialize(&event);
    emit(event);
  }

  void string(std::string_view text) {
    if (!is_utf8(text)) {
      std::string clean;
      for (std::size_t at = 0; at < text.size();) {
        const auto decoded = utf8::decode(text, at);
        utf8::append(clean, decoded.rune);
        at += decoded.size;
      }
      scalar(clean, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
      return;
    }
    if (plain_is_no_string(text)) {
      scalar(text, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    } else if (text.find('\n') != std::string_view::npos) {
      scalar(text, YAML_LITERAL_SCALAR_STYLE);
    } else {
      scalar(text, YAML_PLAIN_SCALAR_STYLE);
    }
  }

  // libyaml takes another style by itself where the one asked for cannot carry the text.
  void scalar(std::string_view text, yaml_scalar_style_t style) {
    yaml_event_t event;
    yaml_scalar_event_initialize(&event, nullptr, nullptr,
                                 reinterpret_cast<const yaml_char_t*>(text.data()),
                                 static_cast<int>(text.size()), 1, 1, style);
    emit(event);
  }

  yaml_emitter_t emitter_{};
};

}  // namespace

std::string write(const json::Value& value) {
  std::string out;
  Emitter(out).document(value);
  return out;
}

}  // namespace kpp::yaml
