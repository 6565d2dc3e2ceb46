//! The `CloudFormation` templates of `deploy/aws/`: what they allow, that they can be created, and that a hub runs on what they
//! make.

mod aspect;
mod cloud;
mod hub;
mod templates;
