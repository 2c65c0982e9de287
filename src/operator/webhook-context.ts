import type { Node } from '../model/node.ts';

/** What the rules of one component know of its graph. */
export interface ComponentAdmission {
  /** `spec.components[0]` */
  readonly path: string;
  /** Where the component stands in the file. */
  readonly place: Node;
  /** `spec.backendFramework` */
  readonly framework: string | undefined;
  /** Written as v1alpha1: images and versions are looked at there. */
  readonly alpha: boolean;
}

/** Without Grove, which platform charts leave out by default, every graph is of this provider [150 defaulting webhook]. */
export const NEEDS_GROVE = 'requires the Grove pathway, but workload provider "component" is selected';
/** In the words of the webhook [150 internal/webhook/validation/shared_helpers.go]. */
export const NO_VERSION = 'is required when the specified main container image has no parseable semantic-version tag';
