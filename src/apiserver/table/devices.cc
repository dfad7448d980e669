#include <string>
#include <vector>

#include "apiserver/table/printers.h"

namespace kpp::apiserver {

void device_class_row(const resourcev1::DeviceClass& device_class, Row& row) {
  row.text(device_class.metadata.name).age(device_class.metadata);
}

void resource_claim_row(const resourcev1::ResourceClaim& claim, Row& row) {
  const bool deleted = claim.metadata.deletion_timestamp.has_value();
  std::vector<std::string> state;
  if (deleted) state.emplace_back("deleted");
  if (claim.status.allocation) {
    state.emplace_back("allocated");
    if (!claim.status.reserved_for.empty()) state.emplace_back("reserved");
  } else if (!deleted) {
    state.emplace_back("pending");
  }
  row.text(claim.metadata.name).text(join(state, ",")).age(claim.metadata);
}

void resource_claim_template_row(const resourcev1::ResourceClaimTemplate& claim, Row& row) {
  row.text(claim.metadata.name).age(claim.metadata);
}

void resource_slice_row(const resourcev1::ResourceSlice& slice, Row& row) {
  row.text(slice.metadata.name)
      .text(slice.spec.node_name.value_or(""))
      .text(slice.spec.driver)
      .text(slice.spec.pool.name)
      .age(slice.metadata);
}

}  // namespace kpp::apiserver
