// protoc plugin: makes plain C++ structs and the tables of api/schema.h from the .proto files under
// src/api/proto.
//
// For k8s.io/api/core/v1.proto it writes api/corev1.h and api/corev1.cc. Singular message fields
// become members by value, or Opt<T> with (kpp.pointer); repeated ones std::vector; maps std::map;
// enums std::int32_t constants.

#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kpp/options.pb.h"

namespace {

namespace pb = google::protobuf;
using std::string;

// k8s.io.api.core.v1 -> corev1, as Go code names its imports.
string namespace_of(const pb::FileDescriptor* file) {
  const string& package = file->package();
  if (package == "runtime.v1") return "cri";
  std::vector<string> parts;
  string part;
  for (const char c : package + ".") {
    if (c == '.') {
      parts.push_back(part);
      part.clear();
    } else {
      part += c;
    }
  }
  const string last = parts.back();
  const bool is_version = last.size() >= 2 && last[0] == 'v' && std::isdigit(last[1]);
  return is_version && parts.size() >= 2 ? parts[parts.size() - 2] + last : last;
}

string go_package_of(const pb::FileDescriptor* file) {
  const string& package = file->package();
  return package.substr(package.rfind('.') + 1);
}

bool upper(char c) { return std::isupper(static_cast<unsigned char>(c)); }
bool lower(char c) {
  return std::islower(static_cast<unsigned char>(c)) || std::isdigit(static_cast<unsigned char>(c));
}

// podIPs -> pod_ips, httpGet -> http_get, clusterIP -> cluster_ip.
string snake(const string& name) {
  static const std::set<string> kKeywords = {
      "default",  "operator", "template", "namespace", "continue", "delete",   "not",    "and",
      "or",       "class",    "private",  "public",    "static",   "export",   "enum",   "union",
      "signed",   "desc",     "bool",     "int",       "auto",     "explicit", "new",    "this",
      "typename", "using",    "do",       "if",        "for",      "case",     "switch", "register",
      "virtual",  "volatile", "const",    "void"};
  string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (upper(c) && i > 0) {
      const bool after_lower = lower(name[i - 1]);
      const bool plural =
          i + 1 < name.size() && name[i + 1] == 's' && (i + 2 == name.size() || upper(name[i + 2]));
      const bool word_start =
          upper(name[i - 1]) && i + 1 < name.size() && std::islower(name[i + 1]) && !plural;
      if ((after_lower || word_start) && !out.empty() && out.back() != '_') out += '_';
    }
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (kKeywords.count(out)) out += '_';
  return out;
}

string quote(const string& text) {
  string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

string comment_of(const pb::SourceLocation& location) {
  string out;
  bool space = false;
  for (const char c : location.leading_comments) {
    if (std::isspace(static_cast<unsigned char>(c))) {
      space = !out.empty();
    } else {
      if (space) out += ' ';
      space = false;
      out += c;
    }
  }
  return out;
}
template <class D>
string doc_of(const D* descriptor) {
  pb::SourceLocation location;
  return descriptor->GetSourceLocation(&location) ? comment_of(location) : string();
}

string special_of(const pb::Descriptor* m) { return m->options().GetExtension(kpp::special); }

// Generated as a struct (not one of the special types).
bool is_struct(const pb::Descriptor* m) {
  return special_of(m).empty() && !m->options().map_entry();
}

struct TypeName {
  string cpp;
  string field_type;  // enumerator of FieldType
};

TypeName special_type(const string& special) {
  if (special == "time") return {"api::Time", "kTime"};
  if (special == "micro_time") return {"api::MicroTime", "kMicroTime"};
  if (special == "quantity") return {"api::Quantity", "kQuantity"};
  if (special == "int_or_string") return {"api::IntOrString", "kIntOrString"};
  if (special == "string_list") return {"api::StringList", "kStringList"};
  if (special == "duration") return {"std::string", "kDuration"};
  return {"api::RawJson", "kRawJson"};
}

TypeName type_of(const pb::FieldDescriptor* f) {
  using F = pb::FieldDescriptor;
  switch (f->type()) {
    case F::TYPE_BOOL:
      return {"bool", "kBool"};
    case F::TYPE_INT32:
    case F::TYPE_ENUM:
      return {"std::int32_t", "kInt32"};
    case F::TYPE_INT64:
      return {"std::int64_t", "kInt64"};
    case F::TYPE_UINT32:
      return {"std::uint32_t", "kUint32"};
    case F::TYPE_UINT64:
      return {"std::uint64_t", "kUint64"};
    case F::TYPE_DOUBLE:
      return {"double", "kDouble"};
    case F::TYPE_STRING:
      return {"std::string", "kString"};
    case F::TYPE_BYTES:
      return {"std::string", "kBytes"};
    case F::TYPE_MESSAGE: {
      const auto* m = f->message_type();
      if (!is_struct(m)) return special_type(special_of(m));
      return {namespace_of(m->file()) + "::" + m->name(), "kMessage"};
    }
    default:
      return {"", ""};
  }
}

bool proto3(const pb::FileDescriptor* file) {
  return file->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
}

// The C++ type of a member and its cardinality.
struct Member {
  string cpp, cardinality, name;
  const pb::FieldDescriptor* value;  // the field that carries the value type (a map's value field)
};

Member member_of(const pb::FieldDescriptor* f) {
  Member m;
  m.name = snake(f->name());
  m.value = f;
  if (f->is_map()) {
    m.value = f->message_type()->FindFieldByNumber(2);
    const auto* key = f->message_type()->FindFieldByNumber(1);
    const bool string_key = key->type() == pb::FieldDescriptor::TYPE_STRING;
    m.cpp = "std::map<" + string(string_key ? "std::string" : "std::int64_t") + ", " +
            type_of(m.value).cpp + ">";
    m.cardinality = "kMap";
  } else if (f->is_repeated()) {
    // The elements of a std::vector<bool> have no addresses.
    m.cpp =
        string(type_of(f).cpp == "bool" ? "std::deque<" : "std::vector<") + type_of(f).cpp + ">";
    m.cardinality = "kList";
  } else {
    const bool message =
        f->type() == pb::FieldDescriptor::TYPE_MESSAGE && is_struct(f->message_type());
    const bool pointer = f->options().GetExtension(kpp::pointer) || (message && proto3(f->file()));
    const string type = type_of(f).cpp;
    m.cpp = !pointer ? type : message ? "api::Opt<" + type + ">" : "std::optional<" + type + ">";
    m.cardinality = pointer ? "kOptional" : "kValue";
  }
  return m;
}

bool has_bool_list(const pb::Descriptor* type) {
  for (int i = 0; i < type->field_count(); ++i) {
    if (type->field(i)->is_repeated() && type->field(i)->type() == pb::FieldDescriptor::TYPE_BOOL)
      return true;
  }
  return false;
}

bool has_bool_list(const pb::FileDescriptor* file) {
  for (int i = 0; i < file->message_type_count(); ++i) {
    if (has_bool_list(file->message_type(i))) return true;
  }
  return false;
}

class Generator : public pb::compiler::CodeGenerator {
 public:
  bool Generate(const pb::FileDescriptor* file, const string&,
                pb::compiler::GeneratorContext* context, string*) const override {
    if (file->name() == "kpp/options.proto") return true;
    const string ns = namespace_of(file);
    write(context, "api/" + ns + ".h", header(file, ns));
    write(context, "api/" + ns + ".cc", source(file, ns));
    return true;
  }
  // Looks at all files first: which containers of a type are used is known only then.
  bool GenerateAll(const std::vector<const pb::FileDescriptor*>& files, const string& parameter,
                   pb::compiler::GeneratorContext* context, string* error) const override {
    for (const auto* file : files) {
      for (int i = 0; i < file->message_type_count(); ++i) {
        const auto* m = file->message_type(i);
        for (int k = 0; k < m->field_count(); ++k) {
          const Member member = member_of(m->field(k));
          if (member.value->type() != pb::FieldDescriptor::TYPE_MESSAGE) continue;
          unsigned& uses = containers_[member.value->message_type()];
          if (member.cardinality == "kList") uses |= 1;
          if (member.cardinality == "kOptional") uses |= 2;
          if (member.cardinality == "kMap") uses |= 4;
        }
      }
    }
    return CodeGenerator::GenerateAll(files, parameter, context, error);
  }
  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

 private:
  mutable std::map<const pb::Descriptor*, unsigned> containers_;

  static void write(pb::compiler::GeneratorContext* context, const string& name,
                    const string& text) {
    const std::unique_ptr<pb::io::ZeroCopyOutputStream> out(context->Open(name));
    pb::io::Printer printer(out.get(), '$');
    printer.PrintRaw(text);
  }

  // Structs in an order in which every member by value is complete.
  static void order(const pb::Descriptor* m, std::set<const pb::Descriptor*>& seen,
                    std::vector<const pb::Descriptor*>& out) {
    if (!is_struct(m) || !seen.insert(m).second) return;
    for (int i = 0; i < m->field_count(); ++i) {
      const auto* f = m->field(i);
      const Member member = member_of(f);
      const auto* value = member.value;
      if (value->type() != pb::FieldDescriptor::TYPE_MESSAGE ||
          value->message_type()->file() != m->file())
        continue;
      if (member.cardinality == "kValue") order(value->message_type(), seen, out);
    }
    out.push_back(m);
  }

  static std::vector<const pb::Descriptor*> structs(const pb::FileDescriptor* file) {
    std::set<const pb::Descriptor*> seen;
    std::vector<const pb::Descriptor*> out;
    for (int i = 0; i < file->message_type_count(); ++i) order(file->message_type(i), seen, out);
    return out;
  }

  static string header(const pb::FileDescriptor* file, const string& ns) {
    string out = "// Generated by protoc-gen-kpp from " + file->name() +
                 ".\n#pragma once\n\n#include <cstdint>\n#include <map>\n";
    if (has_bool_list(file)) out.insert(out.find("#include <map>"), "#include <deque>\n");
    out +=
        "#include <optional>\n#include <string>\n#include <vector>\n\n#include "
        "\"api/schema.h\"\n#include \"api/types.h\"\n";
    std::set<string> includes;
    for (int i = 0; i < file->dependency_count(); ++i) {
      const string dep = namespace_of(file->dependency(i));
      if (file->dependency(i)->name() != "kpp/options.proto") includes.insert(dep);
    }
    for (const auto& dep : includes) {
      if (dep != ns) out += "#include \"api/" + dep + ".h\"\n";
    }
    out += "\nnamespace kpp::" + ns + " {\n\n";
    for (const auto* m : structs(file)) out += "struct " + m->name() + ";\n";
    for (int i = 0; i < file->enum_type_count(); ++i) {
      const auto* e = file->enum_type(i);
      out += "\nenum " + e->name() + " : std::int32_t {\n";
      for (int v = 0; v < e->value_count(); ++v) {
        const string& name = e->value(v)->name();
        // SIGABRT and its kin are macros of <csignal>.
        out += "  " + name + (name.rfind("SIG", 0) == 0 ? "_" : "") + " = " +
               std::to_string(e->value(v)->number()) + ",\n";
      }
      out += "};\n";
    }
    for (const auto* m : structs(file)) {
      const string doc = doc_of(m);
      out += "\n";
      if (!doc.empty()) out += "// " + doc + "\n";
      out += "struct " + m->name() + " {\n";
      for (int i = 0; i < m->field_count(); ++i) {
        const Member member = member_of(m->field(i));
        const bool scalar = member.cardinality == "kValue" &&
                            member.value->type() != pb::FieldDescriptor::TYPE_STRING &&
                            member.value->type() != pb::FieldDescriptor::TYPE_BYTES &&
                            member.value->type() != pb::FieldDescriptor::TYPE_MESSAGE;
        out += "  " + member.cpp + " " + member.name + (scalar ? "{}" : "") + ";\n";
      }
      const string& n = m->name();
      out += "\n  " + n + "();\n  " + n + "(const " + n + "&);\n  " + n + "(" + n +
             "&&) noexcept;\n  " + n + "& operator=(const " + n + "&);\n  " + n + "& operator=(" +
             n + "&&) noexcept;\n  ~" + n + "();\n  static const api::TypeDesc& desc();\n};\n";
    }
    return out + "\n}  // namespace kpp::" + ns + "\n";
  }

  static string names_array(const string& id, const std::vector<string>& values, string& out) {
    if (values.empty()) return "{}";
    out += "constexpr std::string_view " + id + "[] = {";
    for (const auto& v : values) out += quote(v) + ", ";
    out += "};\n";
    return id;
  }
  template <class R>
  static std::vector<string> strings(const R& repeated) {
    return {repeated.begin(), repeated.end()};
  }

  static string resource(const pb::Descriptor* m, string& out) {
    if (!m->options().HasExtension(kpp::resource)) return "nullptr";
    const auto& r = m->options().GetExtension(kpp::resource);
    const string id = m->name();
    const string shorts = names_array("kShort_" + id, strings(r.short_name()), out);
    const string categories = names_array("kCategories_" + id, strings(r.category()), out);
    const string selectable = names_array("kSelectable_" + id, strings(r.selectable_field()), out);
    string subs = "{}";
    if (r.subresource_size() > 0) {
      subs = "kSubresources_" + id;
      out += "constexpr api::SubresourceDesc " + subs + "[] = {\n";
      for (const auto& s : r.subresource()) {
        out += "    {" + quote(s.name()) + ", " + quote(s.verbs()) + ", " + quote(s.kind()) + ", " +
               quote(s.kind_group()) + ", " + quote(s.kind_version()) + "},\n";
      }
      out += "};\n";
    }
    string columns = "{}";
    if (r.column_size() > 0) {
      columns = "kColumns_" + id;
      out += "constexpr api::ColumnDesc " + columns + "[] = {\n";
      for (const auto& c : r.column()) {
        out += "    {" + quote(c.name()) + ", " + quote(c.type()) + ", " + quote(c.format()) +
               ", " + quote(c.description()) + ", " + std::to_string(c.priority()) + "},\n";
      }
      out += "};\n";
    }
    out += "constexpr api::ResourceDesc kResource_" + id + " = {" + quote(r.plural()) + ", " +
           quote(r.singular()) + ", " + (r.namespaced() ? "true" : "false") + ", " +
           quote(r.verbs()) + ", " + shorts + ", " + categories + ", " +
           quote(r.storage_version_hash()) + ", " + quote(r.etcd_prefix()) + ", " +
           quote(r.storage_version()) + ", " + subs + ", " + columns + ", " + selectable + ", " +
           (r.table_served() ? "true" : "false") + "};\n";
    return "&kResource_" + id;
  }

  static string field_row(const pb::Descriptor* m, const pb::FieldDescriptor* f, string& arrays) {
    const Member member = member_of(f);
    const TypeName type = type_of(member.value);
    const auto& o = f->options();
    const string id = m->name() + "_" + f->name();
    const string keys =
        names_array("kKeys_" + id, strings(o.GetRepeatedExtension(kpp::list_map_key)), arrays);
    const string enums =
        names_array("kEnum_" + id, strings(o.GetRepeatedExtension(kpp::enum_value)), arrays);
    const string list = o.GetExtension(kpp::list_type);
    const string list_type = list == "atomic" ? "kAtomic"
                             : list == "set"  ? "kSet"
                             : list == "map"  ? "kMap"
                                              : "kNone";
    const bool message = type.field_type == "kMessage";
    string key_type = "kString";
    if (f->is_map() &&
        f->message_type()->FindFieldByNumber(1)->type() != pb::FieldDescriptor::TYPE_STRING)
      key_type = "kInt64";
    const auto flag = [](bool v) { return v ? string("true, ") : string("false, "); };
    return "    {" + quote(f->json_name()) + ", " + std::to_string(f->number()) +
           ", api::FieldType::" + type.field_type + ", api::Cardinality::" + member.cardinality +
           ", " + flag(o.GetExtension(kpp::always)) + flag(o.GetExtension(kpp::required)) +
           flag(o.GetExtension(kpp::inlined)) + flag(o.GetExtension(kpp::pointer)) +
           "api::ListType::" + list_type + ", " + flag(o.GetExtension(kpp::map_type) == "atomic") +
           "offsetof(" + m->name() + ", " + member.name + "), " +
           (message ? "[] { return &" + type.cpp + "::desc(); }" : string("nullptr")) + ", " +
           keys + ", " + quote(o.GetExtension(kpp::patch_strategy)) + ", " +
           quote(o.GetExtension(kpp::patch_merge_key)) + ", " +
           quote(o.GetExtension(kpp::schema_default)) + ", " + enums + ", " + quote(doc_of(f)) +
           ", api::FieldType::" + key_type + "},\n";
  }

  string source(const pb::FileDescriptor* file, const string& ns) const {
    string out = "// Generated by protoc-gen-kpp from " + file->name() + ".\n#include \"api/" + ns +
                 ".h\"\n\n#include <cstddef>\n\n#include \"api/type_ops.h\"\n\n";
    out +=
        "#pragma clang diagnostic ignored \"-Winvalid-offsetof\"\n\nnamespace kpp::" + ns + " {\n";
    const auto all = structs(file);
    for (const auto* m : all) {
      const string& n = m->name();
      out += "\n" + n + "::" + n + "() = default;\n" + n + "::" + n + "(const " + n +
             "&) = default;\n" + n + "::" + n + "(" + n + "&&) noexcept = default;\n" + n + "& " +
             n + "::operator=(const " + n + "&) = default;\n" + n + "& " + n + "::operator=(" + n +
             "&&) noexcept = default;\n" + n + "::~" + n + "() = default;\n";
      string arrays;
      string rows;
      for (int i = 0; i < m->field_count(); ++i) rows += field_row(m, m->field(i), arrays);
      string gvks;
      for (const auto& gvk : strings(m->options().GetRepeatedExtension(kpp::gvk))) {
        const size_t kind_at = gvk.rfind('/');
        const size_t version_at = gvk.rfind('/', kind_at - 1);
        const string group = version_at == string::npos ? "" : gvk.substr(0, version_at);
        const size_t version_begin = version_at == string::npos ? 0 : version_at + 1;
        gvks += "{" + quote(group) + ", " +
                quote(gvk.substr(version_begin, kind_at - version_begin)) + ", " +
                quote(gvk.substr(kind_at + 1)) + "}, ";
      }
      const string res = resource(m, arrays);
      out += "namespace {\n" + arrays;
      if (!rows.empty()) out += "const api::FieldDesc kFields_" + n + "[] = {\n" + rows + "};\n";
      if (!gvks.empty()) out += "constexpr api::Gvk kGvks_" + n + "[] = {" + gvks + "};\n";
      out += "const api::TypeDesc kDesc_" + n + " = {" + quote(file->package()) + ", " + quote(n) +
             ", " + quote(go_package_of(file)) + ", " + (rows.empty() ? "{}" : "kFields_" + n) +
             ", " + (gvks.empty() ? "{}" : "kGvks_" + n) + ", " + res + ", &api::kTypeOps<" + n +
             ", " + std::to_string(containers_[m]) + ">, " +
             (m->options().GetExtension(kpp::message_map_type) == "atomic" ? "true" : "false") +
             ", " + quote(m->options().GetExtension(kpp::unions)) + ", " + quote(doc_of(m)) +
             "};\n}  // namespace\n";
      out += "const api::TypeDesc& " + n + "::desc() { return kDesc_" + n + "; }\n";
    }
    out += "\nextern const api::TypeDesc* const kTypes[];\nextern const std::size_t kTypeCount;\n";
    out += "const api::TypeDesc* const kTypes[] = {\n";
    for (const auto* m : all) out += "    &kDesc_" + m->name() + ",\n";
    out += "};\nconst std::size_t kTypeCount = " + std::to_string(all.size()) +
           ";\n\n}  // namespace kpp::" + ns + "\n";
    return out;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const Generator generator;
  return pb::compiler::PluginMain(argc, argv, &generator);
}
