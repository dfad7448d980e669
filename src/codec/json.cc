// The writer and the look-ups.
#include "codec/json.h"

#include <charconv>
#include <cmath>

#include "codec/utf8.h"

namespace kpp::json {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void append_escape(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u00";
  out.push_back(kHex[c >> 4]);
  out.push_back(kHex[c & 15]);
}

bool stands_for_itself(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

// Writes with an optional indent; depth is bounded by what the reader and the API's types admit.
class Writer {
 public:
  Writer(std::string& out, bool pretty) : out_(out), pretty_(pretty) {}

  void value(const Value& v, int depth) {
    switch (v.kind()) {
      case boost::json::kind::null:
        out_ += "null";
        break;
      case boost::json::kind::bool_:
        out_ += v.get_bool() ? "true" : "false";
        break;
      case boost::json::kind::int64:
        cat_detail::append(out_, v.get_int64());
        break;
      case boost::json::kind::uint64:
        cat_detail::append(out_, v.get_uint64());
        break;
      case boost::json::kind::double_:
        write_double(out_, v.get_double());
        break;
      case boost::json::kind::string:
        write_string(out_, {v.get_string().data(), v.get_string().size()});
        break;
      case boost::json::kind::array:
        array(v.get_array(), depth);
        break;
      case boost::json::kind::object:
        object(v.get_object(), depth);
        break;
    }
  }

 private:
  void array(const Array& items, int depth) {
    out_.push_back('[');
    bool first = true;
    for (const Value& item : items) {
      separate(first, depth + 1);
      value(item, depth + 1);
    }
    if (!first) new_line(depth);
    out_.push_back(']');
  }

  void object(const Object& members, int depth) {
    out_.push_back('{');
    bool first = true;
    for (const auto& member : members) {
      separate(first, depth + 1);
      write_string(out_, {member.key().data(), member.key().size()});
      out_ += pretty_ ? ": " : ":";
      value(member.value(), depth + 1);
    }
    if (!first) new_line(depth);
    out_.push_back('}');
  }

  void separate(bool& first, int depth) {
    if (!first) out_.push_back(',');
    first = false;
    new_line(depth);
  }

  void new_line(int depth) {
    if (!pretty_) return;
    out_.push_back('\n');
    out_.append(static_cast<std::size_t>(depth) * 2, ' ');
  }

  std::string& out_;
  const bool pretty_;
};

}  // namespace

void write_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t run = 0;  // start of bytes that are copied as they are
  std::size_t at = 0;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (stands_for_itself(c)) {
      ++at;
      continue;
    }
    if (c < 0x80) {
      out.append(text, run, at - run);
      append_escape(out, c);
      run = ++at;
      continue;
    }
    const auto decoded = utf8::decode(text, at);
    if (!decoded.valid || decoded.rune == 0x2028 || decoded.rune == 0x2029) {
      out.append(text, run, at - run);
      out += !decoded.valid ? "\\ufffd" : decoded.rune == 0x2028 ? "\\u2028" : "\\u2029";
      run = at + decoded.size;
    }
    at += decoded.size;
  }
  out.append(text, run, at - run);
  out.push_back('"');
}

void write_double(std::string& out, double value) {
  if (!std::isfinite(value)) {  // JSON has no form for these; the reader never makes them
    out += "null";
    return;
  }
  const double size = std::fabs(value);
  char buffer[64];
  if (size != 0 && (size < 1e-6 || size >= 1e21)) {
    char* end =
        std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
    // Go leaves out the zero of e-07.
    if (end - buffer >= 4 && end[-4] == 'e' && end[-3] == '-' && end[-2] == '0') {
      end[-2] = end[-1];
      --end;
    }
    out.append(buffer, end);
    return;
  }
  if (size < 9007199254740992.0) {
    out.append(buffer,
               std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr);
    return;
  }
  // The shortest digits that read back the same, filled up with zeros.
  const char* const end =
      std::to_chars(buffer, buffer + sizeof buffer, size, std::chars_format::scientific).ptr;
  std::string digits;
  int exponent = 0;
  for (const char* p = buffer; p < end; ++p) {
    if (*p == 'e') {
      std::from_chars(p + 2, end, exponent);
      break;
    }
    if (*p != '.') digits.push_back(*p);
  }
  if (value < 0) out.push_back('-');
  digits.resize(static_cast<std::size_t>(exponent) + 1, '0');
  out += digits;
}

std::string write(const Value& value) {
  std::string out;
  Writer(out, false).value(value, 0);
  return out;
}

std::string write_pretty(const Value& value) {
  std::string out;
  Writer(out, true).value(value, 0);
  return out;
}

const Value* find(const Value& value, std::string_view path) {
  const Value* at = &value;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    const Object* const object = at->if_object();
    if (object == nullptr) return nullptr;
    at = object->if_contains({name.data(), name.size()});
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string_view text_at(const Value& value, std::string_view path) {
  const Value* const found = find(value, path);
  if (found == nullptr || !found->is_string()) return {};
  const auto& text = found->get_string();
  return {text.data(), text.size()};
}

std::int64_t int_at(const Value& value, std::string_view path, std::int64_t fallback) {
  const Value* const found = find(value, path);
  if (found == nullptr) return fallback;
  if (const auto* i = found->if_int64()) return *i;
  if (const auto* u = found->if_uint64()) {
    return *u <= static_cast<std::uint64_t>(INT64_MAX) ? static_cast<std::int64_t>(*u) : fallback;
  }
  return fallback;
}

}  // namespace kpp::json
