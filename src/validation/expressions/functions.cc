#include "validation/expressions/functions.h"

#include <array>

#include "base/cat.h"
#include "cel/lib/costs.h"
#include "cel/time_text.h"
#include "codec/base64.h"
#include "validation/formats.h"

namespace kpp::validation {
namespace {

struct Format {
  std::string_view name;
  const char* function;  // the function that answers it
  Messages (*check)(std::string_view text);
};

// Names that may be the beginning of generated ones.
template <Messages (*kCheck)(std::string_view)>
Messages prefix_of(std::string_view text) {
  std::string whole(text);
  if (whole.ends_with('-')) whole.back() = 'a';
  return kCheck(whole);
}

Messages check_uri(std::string_view text) {
  const auto colon = text.find(':');
  const bool absolute = colon != std::string_view::npos && colon > 0;
  if (!text.empty() && (text.front() == '/' || absolute)) return {};
  return {cat("parse ", quoted(text), ": invalid URI for request")};
}

Messages check_uuid(std::string_view text) {
  constexpr std::size_t kLength = 36;
  bool whole = text.size() == kLength;
  for (std::size_t i = 0; whole && i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    whole =
        dash ? text[i] == '-'
             : std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
  }
  if (whole) return {};
  return {"does not match the UUID format"};
}

Messages check_byte(std::string_view text) {
  if (base64_decode(text)) return {};
  return {"invalid base64"};
}

Messages check_date(std::string_view text) {
  if (cel::parse_timestamp(cat(text, "T00:00:00Z"))) return {};
  return {"invalid date"};
}

Messages check_datetime(std::string_view text) {
  if (cel::parse_timestamp(text)) return {};
  return {"invalid datetime"};
}

constexpr std::array kFormats = {
    Format{"dns1123Label", "format.dns1123Label", dns1123_label},
    Format{"dns1123Subdomain", "format.dns1123Subdomain", dns1123_subdomain},
    Format{"dns1035Label", "format.dns1035Label", dns1035_label},
    Format{"qualifiedName", "format.qualifiedName", qualified_name},
    Format{"dns1123LabelPrefix", "format.dns1123LabelPrefix", prefix_of<dns1123_label>},
    Format{"dns1123SubdomainPrefix", "format.dns1123SubdomainPrefix", prefix_of<dns1123_subdomain>},
    Format{"dns1035LabelPrefix", "format.dns1035LabelPrefix", prefix_of<dns1035_label>},
    Format{"labelValue", "format.labelValue", label_value},
    Format{"uri", "format.uri", check_uri},
    Format{"uuid", "format.uuid", check_uuid},
    Format{"byte", "format.byte", check_byte},
    Format{"date", "format.date", check_date},
    Format{"datetime", "format.datetime", check_datetime},
};

class NamedFormat final : public cel::Opaque {
 public:
  explicit NamedFormat(const Format& format) : format_(format) {}
  cel::TypeRef type() const override {
    static const cel::TypeRef kType = cel::Type::opaque("kubernetes.NamedFormat");
    return kType;
  }
  bool equals(const cel::Opaque& other) const override {
    const auto* format = dynamic_cast<const NamedFormat*>(&other);
    return format != nullptr && format->format_.name == format_.name;
  }
  const Format& format() const { return format_; }

 private:
  const Format& format_;
};

cel::Value format_value(const Format& format) {
  return cel::Value::of(
      std::shared_ptr<const cel::Opaque>(std::make_shared<const NamedFormat>(format)));
}

template <std::size_t kIndex>
cel::Value named(cel::Args) {
  return format_value(kFormats[kIndex]);
}

template <std::size_t... kIndex>
void add_named(cel::FunctionTable& table, std::index_sequence<kIndex...>) {
  (table.add_operator(kFormats[kIndex].function, "x() -> kubernetes.NamedFormat", named<kIndex>),
   ...);
}

cel::Value find_format(cel::Args args) {
  for (const Format& format : kFormats) {
    if (format.name == *args[0].text()) return cel::Value::some(format_value(format));
  }
  return cel::Value::none();
}

cel::Value check_text(cel::Args args) {
  const Messages wrong = args[0].opaque<NamedFormat>()->format().check(*args[1].text());
  if (wrong.empty()) return cel::Value::none();
  std::vector<cel::Value> texts;
  for (const std::string& text : wrong) texts.push_back(cel::Value::of(text));
  return cel::Value::some(cel::Value::of(std::move(texts)));
}

}  // namespace

const cel::FunctionTable& expression_functions() {
  static const cel::FunctionTable kTable = [] {
    cel::FunctionTable table = cel::standard_functions();
    add_named(table, std::make_index_sequence<kFormats.size()>());
    table.add("format.named(string) -> optional(kubernetes.NamedFormat)", find_format);
    table.add("kubernetes.NamedFormat.validate(string) -> optional(list(string))", check_text,
              [](cel::Args args, const cel::Value&) { return cel::walk(cel::cost_size(args[1])); });
    return table;
  }();
  return kTable;
}

}  // namespace kpp::validation
