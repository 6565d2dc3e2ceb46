//! A page of users, as Amazon Connect answers it.
#![no_main]

mod target;

use pegboard_connect::sources::amazon_connect::hostile::users;

target::target!(users);
