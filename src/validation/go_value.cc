#include "validation/go_value.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "api/base64.h"
#include "base/cat.h"

namespace kpp::validation {
namespace {

using api::Cardinality;
using api::FieldDesc;
using api::FieldType;
using api::TypeDesc;

// JSON text with the escapes of Go's encoder.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          constexpr std::string_view kHex = "0123456789abcdef";
          out += cat("\\u00", c < 0x10 ? '0' : '1', kHex[static_cast<std::size_t>(c & 0xf)]);
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::string base64(std::string_view bytes) {
  std::string out;
  api::append_base64(out, bytes);
  return out;
}

// A member of the original's internal type: its name in Go, and where the schema keeps it.
std::string go_name(std::string_view json_name) {
  static constexpr std::array<std::string_view, 32> kAcronyms = {
      "api",  "aws",  "ca",   "cidr", "cpu", "csi", "dns",   "fqdn",  "fs", "gce", "gid",
      "gmsa", "grpc", "http", "id",   "ip",  "iqn", "iscsi", "nfs",   "os", "pd",  "rbd",
      "tcp",  "tls",  "tty",  "uid",  "uri", "url", "vpc",   "wwids", "fc", "ttl"};
  if (json_name == "ttlSecondsAfterFinished") return "TTLSecondsAfterFinished";
  if (json_name == "seLinuxOptions") return "SELinuxOptions";
  if (json_name == "seLinuxChangePolicy") return "SELinuxChangePolicy";
  if (json_name == "seLinuxMount") return "SELinuxMount";
  if (json_name == "cephfs") return "CephFS";
  std::size_t word = 0;
  while (word < json_name.size() && !(json_name[word] >= 'A' && json_name[word] <= 'Z')) ++word;
  std::string out(json_name);
  const std::string_view first = json_name.substr(0, word);
  const bool acronym = std::find(kAcronyms.begin(), kAcronyms.end(), first) != kAcronyms.end();
  for (std::size_t i = 0; i < (acronym ? word : 1) && i < out.size(); ++i) {
    if (out[i] >= 'a' && out[i] <= 'z') out[i] = static_cast<char>(out[i] - 'a' + 'A');
  }
  return out;
}

// The name in a type that names its members in a way of its own.
std::string go_name_in(const TypeDesc& desc, std::string_view json_name) {
  std::string out = go_name(json_name);
  if (desc.name != "DeviceAttribute") return out;
  const bool list = out.ends_with('s');
  if (list) out.pop_back();
  return out + (list ? "Values" : "Value");
}

// Internal types whose members stand in another order than those of v1, or are fewer.
std::span<const std::string_view> internal_order(const TypeDesc& desc) {
  static constexpr std::array<std::string_view, 33> kPodSpec = {"volumes",
                                                                "initContainers",
                                                                "containers",
                                                                "ephemeralContainers",
                                                                "restartPolicy",
                                                                "terminationGracePeriodSeconds",
                                                                "activeDeadlineSeconds",
                                                                "dnsPolicy",
                                                                "nodeSelector",
                                                                "serviceAccountName",
                                                                "automountServiceAccountToken",
                                                                "nodeName",
                                                                "securityContext",
                                                                "imagePullSecrets",
                                                                "hostname",
                                                                "subdomain",
                                                                "setHostnameAsFQDN",
                                                                "affinity",
                                                                "schedulerName",
                                                                "tolerations",
                                                                "hostAliases",
                                                                "priorityClassName",
                                                                "priority",
                                                                "preemptionPolicy",
                                                                "dnsConfig",
                                                                "readinessGates",
                                                                "runtimeClassName",
                                                                "overhead",
                                                                "enableServiceLinks",
                                                                "topologySpreadConstraints",
                                                                "os",
                                                                "schedulingGates",
                                                                "resourceClaims"};
  if (desc.name == "PodSpec") return kPodSpec;
  return {};
}

class Printer {
 public:
  explicit Printer(bool indented) : indented_(indented) {}

  void message(const TypeDesc& desc, const void* object) {
    const bool tagged = desc.package.find("apimachinery") != std::string_view::npos;
    open('{');
    const std::span<const std::string_view> order = internal_order(desc);
    for (std::string_view name : order) {
      for (const FieldDesc& field : desc.fields) {
        if (field.json_name == name) member(desc, field, object, tagged);
      }
    }
    for (const FieldDesc& field : desc.fields) {
      if (std::find(order.begin(), order.end(), field.json_name) == order.end())
        member(desc, field, object, tagged);
    }
    close('}');
  }

  std::string take() { return std::move(out_); }

 private:
  static const char* at(const void* object, std::size_t offset) {
    return static_cast<const char*>(object) + offset;
  }
  template <class T>
  static const T& as(const void* p) {
    return *static_cast<const T*>(p);
  }

  void member(const TypeDesc& desc, const FieldDesc& field, const void* object, bool tagged) {
    const void* value = at(object, field.offset);
    if (field.inlined) {
      for (const FieldDesc& inner : field.message()->fields)
        member(*field.message(), inner, value, tagged);
      return;
    }
    if (desc.name == "PodSpec" && !tagged) {
      // The internal type keeps these in the security context, or not at all.
      for (std::string_view moved : {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace",
                                     "hostUsers", "serviceAccount"}) {
        if (field.json_name == moved) return;
      }
      if (field.json_name == "securityContext") {
        name("SecurityContext");
        pod_security(desc, field, object);
        return;
      }
    }
    if (tagged && !field.always && is_zero(field, value)) return;
    name(tagged ? std::string(field.json_name) : go_name_in(desc, field.json_name));
    print(field, value);
  }

  void pod_security(const TypeDesc& spec, const FieldDesc& field, const void* object) {
    open('{');
    for (std::string_view moved :
         {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"}) {
      for (const FieldDesc& inner : spec.fields) {
        if (inner.json_name != moved) continue;
        name(go_name(moved));
        print(inner, at(object, inner.offset));
      }
    }
    const TypeDesc& desc = *field.message();
    const void* context = desc.ops->opt_get(at(object, field.offset));
    void* empty = context ? nullptr : desc.ops->make();
    for (const FieldDesc& inner : desc.fields)
      member(desc, inner, context ? context : empty, false);
    if (empty) desc.ops->destroy(empty);
    close('}');
  }

  static bool is_zero(const FieldDesc& field, const void* value) {
    Printer probe(false);
    probe.print(field, value);
    const std::string& text = probe.out_;
    return text == "null" || text == "\"\"" || text == "0" || text == "false" || text == "{}";
  }

  void print(const FieldDesc& field, const void* value) {
    if (field.type == FieldType::kMessage) return print_messages(field, value);
    switch (field.type) {
      case FieldType::kBool:
        return flags(field, value);
      case FieldType::kInt32:
        return scalars<std::int32_t>(field, value, [](auto v) { return std::to_string(v); });
      case FieldType::kInt64:
        return scalars<std::int64_t>(field, value, [](auto v) { return std::to_string(v); });
      case FieldType::kUint32:
        return scalars<std::uint32_t>(field, value, [](auto v) { return std::to_string(v); });
      case FieldType::kUint64:
        return scalars<std::uint64_t>(field, value, [](auto v) { return std::to_string(v); });
      case FieldType::kDouble:
        return scalars<double>(field, value, [](auto v) { return cat(v); });
      case FieldType::kString:
        return scalars<std::string>(field, value, [](const auto& v) { return json_string(v); });
      case FieldType::kBytes:
        return scalars<std::string>(field, value, [](const auto& v) {
          return v.empty() ? "null" : json_string(base64(v));
        });
      case FieldType::kTime:
        return scalars<api::Time>(field, value, [](const auto& v) {
          return v.is_zero() ? "null" : json_string(v.to_string());
        });
      case FieldType::kMicroTime:
        return scalars<api::MicroTime>(field, value, [](const auto& v) {
          return v.is_zero() ? "null" : json_string(v.to_string());
        });
      case FieldType::kQuantity:
        return scalars<api::Quantity>(
            field, value, [](const auto& v) { return json_string(v.text.empty() ? "0" : v.text); });
      case FieldType::kIntOrString:
        return scalars<api::IntOrString>(field, value, [](const auto& v) {
          return v.is_string ? json_string(v.string_value) : std::to_string(v.int_value);
        });
      case FieldType::kRawJson:
        return scalars<api::RawJson>(
            field, value, [](const auto& v) { return v.empty() ? std::string("null") : v.json; });
      default:
        out_ += "null";
    }
  }

  void flags(const FieldDesc& field, const void* value) {
    if (field.cardinality == Cardinality::kOptional) {
      const auto& flag = as<std::optional<bool>>(value);
      out_ += !flag ? "null" : *flag ? "true" : "false";
    } else if (field.cardinality == Cardinality::kValue) {
      out_ += as<bool>(value) ? "true" : "false";
    } else {
      out_ += "null";
    }
  }

  template <class T, class Text>
  void scalars(const FieldDesc& field, const void* value, Text text) {
    switch (field.cardinality) {
      case Cardinality::kValue:
        out_ += text(as<T>(value));
        return;
      case Cardinality::kOptional: {
        const auto& optional = as<std::optional<T>>(value);
        out_ += optional ? std::string(text(*optional)) : std::string("null");
        return;
      }
      case Cardinality::kList: {
        const auto& list = as<std::vector<T>>(value);
        if (list.empty()) {
          out_ += "null";
          return;
        }
        open('[');
        for (const T& item : list) {
          element();
          out_ += text(item);
        }
        close(']');
        return;
      }
      case Cardinality::kMap: {
        const auto& map = as<std::map<std::string, T>>(value);
        if (map.empty()) {
          out_ += "null";
          return;
        }
        open('{');
        for (const auto& [key, item] : map) {
          name(key);
          out_ += text(item);
        }
        close('}');
        return;
      }
    }
  }

  void print_messages(const FieldDesc& field, const void* value) {
    const TypeDesc& desc = *field.message();
    switch (field.cardinality) {
      case Cardinality::kValue:
        message(desc, value);
        return;
      case Cardinality::kOptional:
        if (const void* held = desc.ops->opt_get(value)) {
          message(desc, held);
        } else {
          out_ += "null";
        }
        return;
      case Cardinality::kList: {
        const std::size_t size = desc.ops->list_size(value);
        if (size == 0) {
          out_ += "null";
          return;
        }
        open('[');
        for (std::size_t i = 0; i < size; ++i) {
          element();
          message(desc, desc.ops->list_at(value, i));
        }
        close(']');
        return;
      }
      case Cardinality::kMap: {
        if (desc.ops->map_size(value) == 0) {
          out_ += "null";
          return;
        }
        open('{');
        std::pair<Printer*, const TypeDesc*> context{this, &desc};
        desc.ops->map_each(value, &context, [](void* c, const std::string& key, const void* item) {
          const auto& [printer, type] = *static_cast<std::pair<Printer*, const TypeDesc*>*>(c);
          printer->name(key);
          printer->message(*type, item);
        });
        close('}');
        return;
      }
    }
  }

  void line() {
    if (!indented_) return;
    out_ += '\n';
    out_.append(depth_, ' ');
  }
  void open(char bracket) {
    out_ += bracket;
    ++depth_;
    first_ = true;
  }
  void close(char bracket) {
    --depth_;
    if (!first_) line();
    out_ += bracket;
    first_ = false;
  }
  void element() {
    if (!first_) out_ += ',';
    first_ = false;
    line();
  }
  void name(std::string_view text) {
    element();
    out_ += json_string(text);
    out_ += indented_ ? ": " : ":";
  }

  bool indented_;
  bool first_ = true;
  std::size_t depth_ = 0;
  std::string out_;
};

}  // namespace

std::string go_json(const TypeDesc& desc, const void* object) {
  Printer printer(false);
  printer.message(desc, object);
  return printer.take();
}

std::string go_json_indented(const TypeDesc& desc, const void* object) {
  Printer printer(true);
  printer.message(desc, object);
  return printer.take();
}

}  // namespace kpp::validation
