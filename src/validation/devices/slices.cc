// ResourceSlices: the devices of a node or of a pool.
#include <set>

#include "validation/core/pod_scheduling.h"
#include "validation/devices/device_names.h"
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

using resourcev1::ResourceSlice;

constexpr std::size_t kMostDevices = 128;
constexpr std::size_t kMostAttributes = 32;
constexpr std::size_t kLongestText = 64;

void check_attribute(FieldErrors& errors, const FieldPath& at,
                     const resourcev1::DeviceAttribute& attribute) {
  const int given = attribute.int_.has_value() + attribute.bool_.has_value() +
                    attribute.string.has_value() + attribute.version.has_value() +
                    !attribute.ints.empty() + !attribute.bools.empty() +
                    !attribute.strings.empty() + !attribute.versions.empty();
  if (given == 0) return errors.invalid(at, "", "exactly one value must be specified");
  if (given > 1)
    return errors.invalid(at, go_value(attribute), "exactly one value must be specified");
  if (attribute.string && attribute.string->size() > kLongestText)
    errors.too_long(at.child("string"), kLongestText);
  if (attribute.version && attribute.version->size() > kLongestText)
    errors.too_long(at.child("version"), kLongestText);
}

void check_device(FieldErrors& errors, const FieldPath& at, const resourcev1::Device& device) {
  if (device.name.empty()) {
    errors.required(at.child("name"));
  } else {
    check_dns1123_label(errors, at.child("name"), device.name);
  }
  const std::size_t members = device.attributes.size() + device.capacity.size();
  if (members > kMostAttributes) {
    errors.invalid(
        at, members,
        cat("the total number of attributes and capacities must not exceed ", kMostAttributes));
  }
  const FieldPath attributes = at.child("attributes");
  for (const auto& [name, attribute] : device.attributes) {
    check_device_attribute_name(errors, attributes, name, false);
    check_attribute(errors, attributes.key(name), attribute);
  }
  for (const auto& [name, capacity] : device.capacity)
    check_device_attribute_name(errors, at.child("capacity"), name, false);
}

void check_node(FieldErrors& errors, const FieldPath& at,
                const resourcev1::ResourceSliceSpec& spec) {
  const int given = spec.node_name.has_value() + static_cast<bool>(spec.node_selector) +
                    spec.all_nodes.value_or(false) + spec.per_device_node_selection.value_or(false);
  if (spec.node_name) {
    if (spec.node_name->empty()) {
      errors.invalid(at.child("nodeName"), "", "must be either unset or set to a non-empty string");
    } else {
      check_dns1123_subdomain(errors, at.child("nodeName"), *spec.node_name);
    }
  }
  if (spec.all_nodes && !*spec.all_nodes) {
    errors.invalid(at.child("allNodes"), false, "must be either unset or set to true");
  }
  if (spec.per_device_node_selection && !*spec.per_device_node_selection) {
    errors.invalid(at.child("perDeviceNodeSelection"), false,
                   "must be either unset or set to true");
  }
  constexpr std::string_view kOne =
      "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (given == 0) errors.required(at, kOne);
  if (given > 1) errors.invalid(at, Value::raw("\"\""), cat(kOne, ", but multiple fields are set"));
}

void check_spec(FieldErrors& errors, const FieldPath& at,
                const resourcev1::ResourceSliceSpec& spec) {
  check_driver_name(errors, at.child("driver"), spec.driver);
  const FieldPath pool = at.child("pool");
  check_pool_name(errors, pool.child("name"), spec.pool.name);
  if (spec.pool.resource_slice_count <= 0) {
    errors.invalid(pool.child("resourceSliceCount"), spec.pool.resource_slice_count,
                   "must be greater than zero");
  }
  if (spec.pool.generation < 0) {
    errors.invalid(pool.child("generation"), spec.pool.generation,
                   "must be greater than or equal to zero");
  }
  check_node(errors, at, spec);
  const FieldPath devices = at.child("devices");
  if (spec.devices.size() > kMostDevices)
    errors.too_many(devices, spec.devices.size(), kMostDevices);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < spec.devices.size(); ++i) {
    check_device(errors, devices.index(i), spec.devices[i]);
    if (!seen.insert(spec.devices[i].name).second)
      errors.duplicate(devices.index(i), spec.devices[i].name);
  }
}

}  // namespace

void validate(FieldErrors& errors, const ResourceSlice& slice, const Context&) {
  check_metadata(errors, slice.metadata, false, subdomain_name);
  check_spec(errors, FieldPath("spec"), slice.spec);
}

void validate_change(FieldErrors& errors, const ResourceSlice& slice, const ResourceSlice& old,
                     const Context&) {
  check_metadata_update(errors, slice.metadata, old.metadata);
  const FieldPath at("spec");
  check_spec(errors, at, slice.spec);
  check_immutable(errors, at.child("driver"), slice.spec.driver, old.spec.driver);
  check_immutable(errors, at.child("pool", "name"), slice.spec.pool.name, old.spec.pool.name);
  check_immutable(errors, at.child("nodeName"), slice.spec.node_name, old.spec.node_name);
}

}  // namespace kpp::validation
