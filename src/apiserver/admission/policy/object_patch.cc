#include "apiserver/admission/policy/object_patch.h"

#include "api/apply/document.h"
#include "api/json_codec.h"
#include "api/patch/patch.h"
#include "cel/json_value.h"

namespace kpp::apiserver {
namespace {

std::unexpected<Status> wrong(std::string message) {
  return fail(Reason::kInvalid, std::move(message));
}

// Object.a{b: Object.a.b{}}: the name of an inner message says where it stands. The first one that
// does not; empty: all do.
std::string misplaced(const cel::Value& value, const std::string& path) {
  if (const cel::List* list = value.list()) {
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (std::string found = misplaced(list->at(i), path); !found.empty()) return found;
    }
    return "";
  }
  const cel::Map* map = value.map();
  if (map == nullptr || !map->struct_type()) return "";
  if (map->struct_type()->name() != path) {
    return cat("unexpected type name ", quoted(map->struct_type()->name()), ", expected ",
               quoted(path), ", which matches field name path from root Object type");
  }
  for (std::size_t i = 0; i < map->size(); ++i) {
    const cel::Value key = map->key_at(i);
    std::string found = misplaced(map->value_at(i), cat(path, ".", *key.text()));
    if (!found.empty()) return found;
  }
  return "";
}

// The paths of atomic lists and maps that a document sets: ".spec.selector".
void find_atomics(const api::MergeType& type, const json::Value& document, const std::string& path,
                  std::vector<std::string>& out) {
  using Kind = api::MergeType::Kind;
  if (document.is_object() && type.kind == Kind::kMap) {
    if (type.atomic) out.push_back(path);
    for (const auto& [name, member] : document.get_object()) {
      bool declared = false;
      const api::MergeType* inner = type.value_type(name, &declared);
      if (inner != nullptr && declared)
        find_atomics(*inner, member, cat(path, ".", std::string_view(name)), out);
    }
  } else if (document.is_array() && type.kind == Kind::kList) {
    if (type.atomic) out.push_back(path);
    for (std::size_t i = 0; type.element != nullptr && i < document.get_array().size(); ++i)
      find_atomics(*type.element, document.get_array()[i], cat(path, "[", i, "]"), out);
  }
}

Result<api::Object> decode(const api::TypeDesc& desc, const json::Value& document,
                           std::vector<std::string>* unknown = nullptr) {
  api::Object out(desc);
  api::DecodeOptions options;
  options.unknown_fields = unknown;
  KPP_RETURN_IF_ERROR(api::from_json(document, desc, out.data(), options));
  return out;
}

}  // namespace

Result<api::Object> apply_configuration(const api::Object& object,
                                        const cel::Value& configuration) {
  if (const std::string why = misplaced(configuration, "Object"); !why.empty())
    return wrong("type mismatch: " + why);
  auto patch = cel::to_json(configuration);
  if (!patch || !patch->is_object()) return wrong("invalid return type");
  const api::TypeDesc& desc = object.desc();
  const json::Value current = api::to_document(desc, object.data());
  for (const char* name : {"kind", "apiVersion"})
    patch->get_object()[name] = json::text_at(current, name);
  const api::MergeType& type = api::merge_type(desc);
  if (Status fits = api::check_document(type, *patch); !fits.ok()) {
    return wrong(cat("error applying patch: failed to convert patch object to typed object: ",
                     fits.message()));
  }
  std::vector<std::string> atomics;
  find_atomics(type, *patch, "", atomics);
  if (!atomics.empty()) {
    return wrong(
        cat("error applying patch: invalid ApplyConfiguration: may not mutate atomic "
            "arrays, maps or structs: ",
            join(atomics, ", ")));
  }
  const auto merged = api::merge_documents(type, current, *patch);
  if (!merged) return object;
  auto out = decode(desc, *merged);
  if (!out) return wrong(cat("error applying patch: ", out.error().message()));
  return out;
}

Result<api::Object> apply_json_patches(const api::Object& object, const cel::Value& patches) {
  const cel::List* list = patches.list();
  if (list == nullptr)
    return wrong("type mismatch: JSONPatchType.expression should evaluate to array");
  json::Array operations;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const cel::Value item = list->at(i);
    if (item.map() == nullptr) {
      return wrong("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch");
    }
    const auto given = item.map()->find(cel::Value::of("value"));
    if (given && given->map() != nullptr && given->map()->struct_type()) {
      // A message that is a whole value may stand anywhere: its own name is where it begins.
      const std::string why = misplaced(*given, given->map()->struct_type()->name());
      if (!why.empty()) return wrong("type mismatch: " + why);
    }
    auto operation = cel::to_json(item);
    if (!operation)
      return wrong("JSONPath valueExpression evaluated to a type that could not marshal to JSON");
    operations.push_back(std::move(*operation));
  }
  const api::TypeDesc& desc = object.desc();
  json::Value patched = api::to_document(desc, object.data());
  for (const json::Value& operation : operations) {
    auto next = api::apply_json_patch(std::move(patched), json::Array{operation});
    // A test that fails is no failure of the patch: it is then not meant for this object.
    if (!next && json::text_at(operation, "op") == "test") return object;
    if (!next) return wrong("JSONPath: " + next.error().message());
    patched = std::move(*next);
  }
  std::vector<std::string> unknown;
  auto out = decode(desc, patched, &unknown);
  if (out && unknown.empty()) return out;
  std::string why = out ? "strict decoding error: " : out.error().message();
  for (std::size_t i = 0; out && i < unknown.size(); ++i)
    why += cat(i > 0 ? ", " : "", "unknown field ", quoted(unknown[i]));
  return fail(Reason::kInternalError, "Internal error occurred: " + why);
}

}  // namespace kpp::apiserver
