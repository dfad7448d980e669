#include "api/apply/apply.h"

#include <algorithm>
#include <map>

#include "api/apply/document.h"

namespace kpp::api {
namespace {

constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::string_view kKubectl = "kubectl";
constexpr std::size_t kMaxAnnotations = 256 * 1024;

struct Conflict {
  std::string manager;  // as messages name it
  FieldSet fields;
};

std::string manager_text(const Manager& manager) {
  std::string out = quoted(manager.name);
  if (!manager.subresource.empty()) out += cat(" with subresource ", quoted(manager.subresource));
  if (!manager.applied) out += cat(" using ", manager.api_version);
  return out;
}

Status conflict_error(std::vector<Conflict> conflicts) {
  std::sort(conflicts.begin(), conflicts.end(),
            [](const auto& a, const auto& b) { return a.manager < b.manager; });
  StatusDetails details;
  std::string lines;
  for (const auto& conflict : conflicts) {
    if (!lines.empty()) lines += "\n";
    lines += cat("conflicts with ", conflict.manager, ":");
    for (auto& path : conflict.fields.paths()) {
      lines += cat("\n- ", path);
      details.causes.push_back(
          {"FieldManagerConflict", cat("conflict with ", conflict.manager), std::move(path)});
    }
  }
  const std::size_t count = details.causes.size();
  if (count == 1) {
    const auto& only = details.causes[0];
    return {Reason::kConflict,
            cat("Apply failed with 1 conflict: ", only.message, ": ", only.field), details};
  }
  return {Reason::kConflict, cat("Apply failed with ", count, " conflicts: ", lines),
          std::move(details)};
}

// One apply of one document.
class Run {
 public:
  Run(const json::Value& live, const json::Value& config, const ApplyContext& context)
      : live_(live), config_(config), context_(context) {}

  // The new document; `managers` and the conflicts that stand against it are brought up to date
  // with it.
  json::Value merge(Managers& managers) {
    std::erase_if(managers, [&](Manager& manager) {
      const MergeType* type = type_of(manager.api_version);
      if (type != nullptr) manager.fields.fit(*type);
      return false;
    });
    json::Value merged = merge_documents(context_.type, live_, config_).value_or(nullptr);
    Manager applier{context_.manager,     true,         context_.api_version,
                    context_.subresource, std::nullopt, document_fields(context_.type, config_)};
    context_.resets.drop(applier.fields);
    auto own = std::find_if(managers.begin(), managers.end(),
                            [&](const Manager& m) { return m.same_as(applier); });
    std::optional<Manager> last;
    if (own == managers.end()) {
      own = managers.insert(managers.end(), std::move(applier));
    } else {
      last = *own;
      applier.time = own->time;
      *own = std::move(applier);
    }
    own_ = static_cast<std::size_t>(own - managers.begin());
    if (last && !last->fields.empty()) prune(merged, *last, managers);
    return merged;
  }

  // Takes from the other managers what they no longer own. Gives what would be taken by force.
  std::vector<Conflict> settle(const json::Value& now, Managers& managers) {
    std::map<std::string, std::optional<Comparison>> seen;
    std::vector<Conflict> out;
    const auto in = [&](const std::string& version) -> const Comparison* {
      const auto [it, fresh] = seen.try_emplace(version);
      if (fresh) {
        const auto old_document = in_version(live_, version);
        const auto new_document = in_version(now, version);
        if (old_document && new_document) {
          it->second = compare_documents(*new_document->type, old_document->document,
                                         new_document->document);
          context_.resets.drop(it->second->changed);
          context_.resets.drop(it->second->removed);
        }
      }
      return it->second ? &*it->second : nullptr;
    };
    Managers kept;
    for (std::size_t i = 0; i < managers.size(); ++i) {
      Manager& manager = managers[i];
      if (i != own_) {
        const Comparison* changes = in(manager.api_version);
        if (changes == nullptr) continue;
        FieldSet taken = manager.fields.common(changes->changed);
        if (!taken.empty()) {
          manager.fields.remove(taken);
          out.push_back({manager_text(manager), std::move(taken)});
        }
        manager.fields.remove(changes->removed);
      }
      if (i == own_ && !same_document(live_, now)) manager.time = context_.time;
      if (i == own_) drop_identity(manager.fields);
      if (!manager.fields.empty()) kept.push_back(std::move(manager));
    }
    managers = std::move(kept);
    return out;
  }

 private:
  const MergeType* type_of(const std::string& version) {
    if (version == context_.api_version) return &context_.type;
    const auto converted = in_version(live_, version);
    return converted ? converted->type : nullptr;
  }
  std::optional<VersionedDocument> in_version(const json::Value& document,
                                              const std::string& version) {
    return between(document, context_.api_version, version);
  }
  std::optional<VersionedDocument> between(const json::Value& document, const std::string& from,
                                           const std::string& to) {
    if (from == to)
      return VersionedDocument{from == context_.api_version ? &context_.type : type_of(from),
                               document};
    if (!context_.convert) return std::nullopt;
    return context_.convert(document, from, to);
  }

  // Removes what the applier applied last time and does not now, unless another manager owns it.
  void prune(json::Value& merged, const Manager& last, const Managers& managers) {
    const std::string& version = last.api_version;
    const auto versioned = in_version(merged, version);
    if (!versioned) return;
    const MergeType& type = *versioned->type;
    const json::Value& whole = versioned->document;
    const FieldSet last_fields = last.fields.with_named_fields(&type);
    json::Value pruned = without_fields(type, whole, last_fields);

    std::map<std::string, FieldSet> owned;
    for (const auto& manager : managers) owned[manager.api_version].add(manager.fields);
    if (const auto first = owned.find(version); first != owned.end()) {
      pruned = with_owned(type, whole, pruned, first->second);
    }
    for (const auto& [other, fields] : owned) {
      if (other == version) continue;
      const auto other_whole = between(whole, version, other);
      const auto other_pruned = between(pruned, version, other);
      if (!other_whole || !other_pruned) continue;
      const json::Value kept =
          with_owned(*other_whole->type, other_whole->document, other_pruned->document, fields);
      if (auto back = between(kept, other, version)) pruned = std::move(back->document);
    }
    // What is gone but was not the applier's comes back.
    FieldSet gone = document_fields(type, whole).with_named_fields(&type);
    gone.remove(document_fields(type, pruned).with_named_fields(&type));
    pruned = without_fields(type, whole, gone.common(last_fields));
    if (auto back = between(pruned, version, context_.api_version))
      merged = std::move(back->document);
  }

  static json::Value with_owned(const MergeType& type, const json::Value& whole,
                                const json::Value& pruned, const FieldSet& owned) {
    FieldSet gone = document_fields(type, whole).with_named_fields(&type);
    FieldSet kept = document_fields(type, pruned).with_named_fields(&type);
    kept.add(owned.with_named_fields(&type));
    gone.remove(kept);
    return without_fields(type, whole, gone);
  }

  const json::Value& live_;
  const json::Value& config_;
  const ApplyContext& context_;
  std::size_t own_ = 0;
};

const json::Object* annotations_of(const json::Value& document) {
  const json::Value* found = json::find(document, "metadata.annotations");
  return found == nullptr ? nullptr : found->if_object();
}

std::string_view last_applied(const json::Value& document) {
  const json::Object* annotations = annotations_of(document);
  const json::Value* value =
      annotations == nullptr ? nullptr
                             : annotations->if_contains({kLastApplied.data(), kLastApplied.size()});
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

// The fields that kubectl applied on the client's side and that still stand as it left them.
FieldSet client_side_fields(const json::Value& live, const ApplyContext& context) {
  const auto document = json::parse(last_applied(live));
  if (!document || json::text_at(*document, "apiVersion") != context.api_version) return {};
  if (!check_document(context.type, *document).ok()) return {};
  FieldSet out = document_fields(context.type, *document);
  const Comparison changes = compare_documents(context.type, *document, live);
  out.remove(changes.changed);
  out.remove(changes.removed);
  return out;
}

json::Value sorted(const json::Value& v) {
  if (const auto* object = v.if_object()) {
    std::map<std::string, const json::Value*> members;
    for (const auto& [name, child] : *object)
      members.emplace(std::string(name.data(), name.size()), &child);
    json::Object out;
    for (const auto& [name, child] : members) out[name] = sorted(*child);
    return out;
  }
  if (const auto* array = v.if_array()) {
    json::Array out;
    for (const auto& child : *array) out.push_back(sorted(child));
    return out;
  }
  return v;
}

// kubectl reads the annotation when a user goes back to applying on the client's side: it follows
// kubectl's applies.
bool follow_last_applied(json::Value& document, const json::Value& config) {
  if (last_applied(document).empty()) return false;
  json::Value applied = sorted(config);
  if (auto* meta = applied.as_object().if_contains("metadata");
      meta != nullptr && meta->is_object()) {
    auto* annotations = meta->get_object().if_contains("annotations");
    if (annotations != nullptr && annotations->is_object()) {
      annotations->get_object().erase({kLastApplied.data(), kLastApplied.size()});
    }
  }
  const std::string text = cat(json::write(applied), "\n");
  auto& annotations = document.as_object()["metadata"].as_object()["annotations"].as_object();
  std::size_t size = 0;
  for (const auto& [name, value] : annotations) {
    size += name.size();
    if (std::string_view(name.data(), name.size()) == kLastApplied) {
      size += text.size();
    } else if (const auto* other = value.if_string()) {
      size += other->size();
    }
  }
  const boost::json::string_view key(kLastApplied.data(), kLastApplied.size());
  if (size > kMaxAnnotations) {
    annotations.erase(key);
  } else {
    annotations[key] = boost::json::string(text.data(), text.size());
  }
  return true;
}

}  // namespace

Result<std::optional<json::Value>> apply_document(const json::Value& live,
                                                  const json::Value& config, Managers& managers,
                                                  const ApplyContext& context) {
  Run run(live, config, context);
  json::Value now = run.merge(managers);
  std::vector<Conflict> conflicts = run.settle(now, managers);
  if (!context.force && !conflicts.empty() && context.manager == kKubectl &&
      !last_applied(live).empty()) {
    const FieldSet allowed = client_side_fields(live, context);
    for (auto& conflict : conflicts) conflict.fields.remove(allowed);
    std::erase_if(conflicts, [](const Conflict& c) { return c.fields.empty(); });
  }
  if (!context.force && !conflicts.empty()) return fail(conflict_error(std::move(conflicts)));
  bool changed = !same_document(live, now);
  if (context.manager == kKubectl) {
    if (!changed) now = live;
    changed = follow_last_applied(now, config) || changed;
  }
  if (!changed) return std::nullopt;
  return std::optional<json::Value>(std::move(now));
}

}  // namespace kpp::api
