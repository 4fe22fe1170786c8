export * from "centrifuge";
