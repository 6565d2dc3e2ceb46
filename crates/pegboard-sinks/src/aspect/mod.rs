//! Aspect WFM: what the AWS side of its Quick Start for Amazon Connect writes.
