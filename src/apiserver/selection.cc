#include "apiserver/selection.h"

#include "api/selectors.h"
#include "apiserver/errors.h"
#include "apiserver/registry/strategy.h"

namespace kpp::apiserver {

struct Selection::Terms {
  std::string namespace_;  // empty: all
  api::LabelSelector labels;
  api::FieldSelector fields;
};

Selection::Selection() : terms_(std::make_unique<Terms>()) {}
Selection::~Selection() = default;
Selection::Selection(Selection&&) noexcept = default;
Selection& Selection::operator=(Selection&&) noexcept = default;

namespace {

bool is_known_field(const ServedResource& resource, std::string_view field) {
  if (field == "metadata.name" || field == "metadata.namespace") return true;
  for (const auto known : resource.desc->selectable_fields) {
    if (known == field) return true;
  }
  return false;
}

// The field of what is stored: events of events.k8s.io are stored as core's, which names some
// otherwise.
std::string stored_field(const ServedResource& resource, std::string field) {
  if (resource.group != "events.k8s.io") return field;
  constexpr std::string_view kRegarding = "regarding.";
  if (field == "reportingController") return "reportingComponent";
  if (field.starts_with(kRegarding)) return cat("involvedObject.", field.substr(kRegarding.size()));
  return field;
}

// How a kind refuses a field that it does not know: kinds with fields of their own name them
// differently.
Status unknown_field(const ServedResource& resource, std::string_view field) {
  if (resource.desc->selectable_fields.empty()) {
    return bad_request(
        cat(quoted(field),
            " is not a known field selector: only \"metadata.name\", \"metadata.namespace\""));
  }
  return bad_request(cat("field label not supported: ", field));
}

}  // namespace

Result<Selection> Selection::parse(const Call& call) {
  const ServedResource& resource = *call.resource;
  Selection out;
  out.prefix_ = call.info.namespace_.empty() || !resource.desc->namespaced
                    ? std::string(resource.storage->desc->etcd_prefix)
                    : resource.store_key(call.info.namespace_, "");
  if (resource.desc->namespaced) out.terms_->namespace_ = call.info.namespace_;
  auto labels = api::LabelSelector::parse(call.query.get("labelSelector"));
  if (!labels) return fail(bad_request(labels.error().message()));
  auto fields = api::FieldSelector::parse(call.query.get("fieldSelector"));
  if (!fields) return fail(bad_request(fields.error().message()));
  out.terms_->labels = std::move(*labels);
  out.terms_->fields = std::move(*fields);
  for (auto& term : out.terms_->fields.terms) {
    if (!is_known_field(resource, term.field)) return fail(unknown_field(resource, term.field));
    term.field = stored_field(resource, std::move(term.field));
  }
  // A get of one name through a list or watch: /api/v1/namespaces/ns/pods/p?watch=1.
  if (!call.info.name.empty())
    out.terms_->fields.terms.push_back({"metadata.name", true, call.info.name});
  return out;
}

bool Selection::everything() const { return terms_->labels.empty() && terms_->fields.empty(); }

bool Selection::matches(const CachedObject& object) const {
  if (!terms_->namespace_.empty() && object.namespace_ != terms_->namespace_) return false;
  for (const auto& term : terms_->fields.terms) {
    std::string_view value;
    if (term.field == "metadata.name") {
      value = object.name;
    } else if (term.field == "metadata.namespace") {
      value = object.namespace_;
    } else {
      for (const auto& [name, have] : object.fields) {
        if (name == term.field) value = have;
      }
    }
    if ((value == term.value) != term.equals) return false;
  }
  return terms_->labels.empty() || terms_->labels.matches(object.labels);
}

}  // namespace kpp::apiserver
